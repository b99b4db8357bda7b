"""Who did what, when: append-only, each entry sealed with the hash of the one before."""
