"""The freeze: what is still missing, and from when on readers may see results."""
