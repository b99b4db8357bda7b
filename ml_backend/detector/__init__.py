"""Finds the discs of a sagittal slice: an Ultralytics detection network and the geometry of the column."""
