"""Where the loop stands, and what to do next."""
