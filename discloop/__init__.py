"""The composition root: the `discloop` command and the local stack. Imports all, imported by none."""
