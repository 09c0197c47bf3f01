"""What people ask loopbot in a chat, and what it says: a module a matter, all texts of the chat in this room."""
