"""`python -m discloop` is the `discloop` command."""

from discloop.cli import main

main()
