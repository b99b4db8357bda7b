"""The ledger: every revision of every reading, exactly once, for ever."""
