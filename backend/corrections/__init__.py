"""Late corrections: what they reopen, and what stood before."""
