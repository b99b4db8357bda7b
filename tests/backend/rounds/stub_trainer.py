"""Stands in for the trainer and the evaluator: the same command lines and files, seconds instead of hours.

    stub_trainer.py train SNAPSHOT --store S --out O --from W [--resume] --epochs N --pause S --skill P
    stub_trainer.py evaluate WEIGHTS --snapshot S --store S --split test --out FILE

Training is a counter with a checkpoint; `skill` is the share of discs the trained model grades rightly.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    train_ = commands.add_parser("train")
    train_.add_argument("snapshot", type=Path)
    train_.add_argument("--out", type=Path)
    train_.add_argument("--from", dest="start", type=Path)
    train_.add_argument("--resume", action="store_true")
    train_.add_argument("--epochs", type=int, default=5)
    train_.add_argument("--pause", type=float, default=0.0)
    train_.add_argument("--skill", type=float, default=1.0)
    train_.add_argument("--fail", action="store_true")
    evaluate_ = commands.add_parser("evaluate")
    evaluate_.add_argument("weights", type=Path)
    evaluate_.add_argument("--snapshot", type=Path)
    evaluate_.add_argument("--split")
    evaluate_.add_argument("--out", type=Path)
    for one in (train_, evaluate_):
        one.add_argument("--store", type=Path)
    given = parser.parse_args()
    return train(given) if given.command == "train" else evaluate(given)


def train(given: argparse.Namespace) -> int:
    given.out.mkdir(parents=True, exist_ok=True)
    witness = os.open(given.out / "witness.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(witness, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        (given.out / "doubled").touch()
    if given.fail:
        sys.stderr.write("the trainer ran out of luck\n")
        return 3
    items = json.loads((given.snapshot / "snapshot.json").read_text())["items"]
    checkpoint = given.out / "checkpoint.json"
    done = json.loads(checkpoint.read_text())["epoch"] if given.resume and checkpoint.exists() else 0
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopping.append(number))
    for epoch in range(done + 1, given.epochs + 1):
        time.sleep(given.pause)
        write(checkpoint, {"epoch": epoch})
        line = {"at": "", "epoch": epoch, "epochs": given.epochs, "loss": 1 / epoch, "left_s": 0.0}
        with (given.out / "progress.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        if stopping:
            return 75
    write_model(given.out / "weights", skill=given.skill, seed=len(items))
    return 0


def write_model(folder: Path, *, skill: float, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tensors = json.dumps({"skill": skill, "seed": seed}).encode()
    (folder / "weights.pt").write_bytes(tensors)
    digest = hashlib.sha256(tensors).hexdigest()
    write(folder / "model.json", {"version": f"stub-{digest[:8]}", "sha256": digest})


def evaluate(given: argparse.Namespace) -> int:
    model = json.loads((given.weights / "weights.pt").read_text())
    draw = random.Random(model["seed"])
    items = json.loads((given.snapshot / "snapshot.json").read_text())["items"]
    said = [_said(item, model["skill"], draw) for item in items if item["split"] == given.split]
    serving = {
        "runtime": "none",
        "slices": len(said),
        "same_grades": 1,
        "box_px": 0,
        "milliseconds": 1,
    }
    write(
        given.out,
        {"model": f"skill-{model['skill']}", "split": given.split, "items": said, "serving": serving},
    )
    return 0


def _said(item: dict[str, Any], skill: float, draw: random.Random) -> dict[str, Any]:
    discs = []
    for disc in item["discs"]:
        truth = disc["pfirrmann"]
        predicted = truth if draw.random() < skill else truth % 5 + 1
        discs.append(
            {
                "index": disc["index"],
                "truth": truth,
                "predicted": predicted,
                "probs": [0.96 if grade == predicted else 0.01 for grade in range(1, 6)],
                "matched": True,
            }
        )
    return {"study": item["study"], "patient": item["patient"], "discs": discs, "missed": 0, "invented": 0}


def write(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content))
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main())
