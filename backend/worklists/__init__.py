"""Who reads what, in which arm and order; and the tasks in Label Studio that follow."""
