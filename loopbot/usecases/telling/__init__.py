"""Telling people: what they want to hear and when, who they are in a chat, what goes out and what does not."""
