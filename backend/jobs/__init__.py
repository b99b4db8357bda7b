"""Background jobs: one runner a process, each job led by one process at a time."""
