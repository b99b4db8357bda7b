"""What is labelled, against what is wanted, and where it comes from."""
