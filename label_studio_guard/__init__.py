"""A Django app loaded into the Label Studio process: who may open what, slices, the outbox, sign-in."""

VERSION = "0.1.0"
LABEL_STUDIO = "1.23.2"
"""The one Label Studio this guard was tested with; any other is refused at start."""
