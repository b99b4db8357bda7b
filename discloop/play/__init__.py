"""Simulated people at the real Label Studio, for `discloop demo --play`; what they say is so marked."""
