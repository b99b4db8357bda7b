"""Labels and slices of a store out: one module a format, each with `write(bundle, out)`."""
