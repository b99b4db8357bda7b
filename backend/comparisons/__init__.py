"""Two readings of one unit, compared when both are signed; again, where one is corrected."""
