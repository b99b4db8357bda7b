"""The reader who is nobody: the backend puts them into the projection and probes as them, in vain."""

CANARY = "p-ca4a4700"
CANARY_EMAIL = "canary@discloop.invalid"
