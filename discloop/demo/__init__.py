"""`discloop demo`: one command from nothing to readers at work."""
