"""Public data sets and earlier label files: one module a format, each with `read(source, table)`."""
