"""The label that follows from two readings, agreed or adjudicated."""
