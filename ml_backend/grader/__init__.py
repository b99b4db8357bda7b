"""Grades one disc from a crop of it and its neighbourhood: small ordinal networks, averaged."""
