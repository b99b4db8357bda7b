"""The local stack: Label Studio with the guard, the backend and the ML backend, as processes."""
