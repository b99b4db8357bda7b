"""The commands of `discloop`, one file a noun."""
