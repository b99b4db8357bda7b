"""Which unread studies to read next, and why."""
