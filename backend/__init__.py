"""The control plane: people, worklists, readings, adjudication, agreement, rounds."""
