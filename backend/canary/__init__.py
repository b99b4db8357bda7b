"""A reader who is nobody tries to open others' tasks every minute: that it cannot is seen, not believed."""
