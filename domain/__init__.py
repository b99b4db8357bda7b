"""The words and mathematics that all services share: no I/O, no web, no torch."""
