"""All benchmarks, or those named: `make bench`, `python -m benchmarks agreement ranking`.

Each is a module with `measure()`, whose figures are printed as one JSON object a line. Run them on a quiet
machine: most figures are ratios measured side by side, the rest are seconds on this machine.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module

NAMES = ("agreement", "ranking", "curation", "lists", "ledger", "planted", "ml_serving")


def main(names: list[str]) -> int:
    """Run them one after the other; exit status 2 names what does not exist."""
    if unknown := sorted(set(names) - set(NAMES)):
        sys.stderr.write(f"No benchmark named {', '.join(unknown)}; there are {', '.join(NAMES)}\n")
        return 2
    for number, name in enumerate(names or NAMES, start=1):
        sys.stderr.write(f"[{number}/{len(names or NAMES)}] {name}\n")
        figures = import_module(f"benchmarks.{name}").measure()
        sys.stdout.write(json.dumps({name: figures}) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
