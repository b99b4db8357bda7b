"""Retraining: from a plan to a promoted model, on evidence."""
