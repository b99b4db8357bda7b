"""Signing in by the guard's assertion, and the sessions that follow: on the server, revocable."""
