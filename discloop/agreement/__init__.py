"""`discloop agreement`: the agreement statistics of any table, without a server."""
