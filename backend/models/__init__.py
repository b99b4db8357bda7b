"""Network weights: which versions exist, and which generation serves."""
