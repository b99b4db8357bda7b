"""The Label Studio ML backend: proposals, training and evaluation. The only package that imports torch."""
