"""The long soak of the whole loop: people, arrivals, rounds, kills and restarts on a real stack."""
