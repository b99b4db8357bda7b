"""The calibration set: patients with a key, which a reader reads and passes before the first real unit."""
