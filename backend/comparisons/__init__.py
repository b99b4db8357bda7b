"""Two readings of one unit, compared once, when both first signed revisions are in the ledger."""
