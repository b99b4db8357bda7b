"""Synthetic lumbar MR studies with known truth: for developing and testing, never for training claims."""
