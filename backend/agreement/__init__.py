"""How well the readers agree, from their first signed revisions."""
