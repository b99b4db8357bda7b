"""A Django app inside the Label Studio process: who may open what, slices, the outbox of readings."""
