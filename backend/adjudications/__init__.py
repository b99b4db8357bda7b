"""What two readers say differently, decided by a third in Label Studio."""
