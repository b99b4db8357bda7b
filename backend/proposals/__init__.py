"""The model's findings on every unit, asked from the ML backend and kept with its version."""
