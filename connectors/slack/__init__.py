"""Slack: posts and direct messages out; commands and button presses in, over Socket Mode."""
