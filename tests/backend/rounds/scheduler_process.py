"""`python -m tests.backend.rounds.scheduler_process SETTINGS.json`: a scheduler that a test may kill."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from backend.database import Database
from backend.jobs.runner import Runner
from backend.resources import Resources
from backend.rounds.scheduler import ROUNDS_JOB
from backend.settings import Settings
from tests.backend.fakes import Fakes


def main(path: Path) -> None:
    settings = Settings(**json.loads(path.read_text()))
    resources = Resources(settings, Database(settings.database_url), Fakes().outside)
    Runner(resources, [replace(ROUNDS_JOB, every_s=0.05)]).start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
