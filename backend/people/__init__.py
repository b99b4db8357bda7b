"""People and their roles. Nobody is ever deleted: a retired person's readings keep their author."""
