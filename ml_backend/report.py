"""An evaluation as one self-contained HTML file: tables, charts, and pictures of the worst errors.

The pictures are slices of the reader's own store, embedded in this file and nowhere else.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.agreement.charts import forest, heat_map, words
from domain.agreement.estimates import Statistic
from domain.agreement.schema import Table
from ml_backend.evaluate import Evaluated
from ml_backend.metrics import GRADES
from ml_backend.ordinal import median_grade
from ml_backend.samples import BoxArray, GreyImage
from ml_backend.tables import cross_table

WORST = 8
SIDE = 640
"""Longest side of an embedded picture, pixels."""
TRUE_COLOUR, FOUND_COLOUR = (255, 190, 90), (80, 220, 80)
"""Blue, green, red."""
HEADLINES = {
    "kappa_linear": "Kappa, linear",
    "kappa_quadratic": "Kappa, quadratic",
    "kappa": "Kappa, unweighted",
    "percent_agreement": "Same grade",
    "within_one": "Within one grade",
}
PROBABILITIES = {"brier": "Brier score", "ranked_probability_score": "Ranked probability score"}


def render(evaluated: Evaluated, report: Mapping[str, Any]) -> str:
    """The report of an evaluation as HTML; every word from the data is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["interval"] = lambda figure: words(_statistic(figure))
    disc = report["tables"]["per_disc"]
    charts = {
        "overview": forest(
            [(label, _statistic(disc[name])) for name, label in HEADLINES.items()],
            name="overview",
            title="Grades of found discs, 95% intervals",
        ),
        "confusion": heat_map(_confusion(disc["confusion"]), name="confusion", title="True and said grades"),
        "roc": roc_chart(disc["roc"]),
    }
    return environment.get_template("evaluation.html").render(
        report=report,
        tables=report["tables"],
        headlines=HEADLINES | PROBABILITIES,
        charts={name: Markup(chart) for name, chart in charts.items()},
        worst=worst_errors(evaluated),
        threshold=evaluated.model.description.herniation_threshold,
    )


def worst_errors(evaluated: Evaluated, *, most: int = WORST) -> list[dict[str, Any]]:
    """The slices with the largest errors: a missed or invented disc counts as two grades."""
    costs = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    costs[5, :] = costs[:, 5] = 2
    tables = [cross_table(reading) for reading in evaluated.readings]
    errors = [int((table * costs).sum()) for table in tables]
    chosen = [int(i) for i in np.argsort(np.negative(errors), kind="stable")[:most] if errors[i]]
    return [
        {
            "study": evaluated.readings[i]["study"],
            "slice": evaluated.readings[i]["name"].rsplit("/", 1)[1],
            "missed": int(tables[i][:5, 5].sum()),
            "invented": int(tables[i][5].sum()),
            "off": int((tables[i][:5, :5] * costs[:5, :5]).sum()),
            "picture": _embedded(evaluated.slices[i].image, evaluated.readings[i]),
        }
        for i in chosen
    ]


def roc_chart(rocs: Mapping[str, Any]) -> str:
    """The grades' ROC curves as SVG, told apart by dashes."""
    side, left, top = 260.0, 44.0, 10.0
    body = [
        f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="currentColor"/>',
        f'<path d="M{left} {top + side}L{left + side} {top}" stroke="currentColor" stroke-opacity="0.3"/>',
        f'<text x="{left + side / 2}" y="{top + side + 34}" text-anchor="middle">1 − specificity</text>',
        f'<text x="{left - 8}" y="{top + 12}" text-anchor="end">1</text>',
        f'<text x="{left - 8}" y="{top + side}" text-anchor="end">0</text>',
        f'<text transform="translate(18 {top + side / 2}) rotate(-90)" text-anchor="middle">recall</text>',
    ]
    for number, grade in enumerate(GRADES):
        roc, y = rocs[str(grade)], top + 20 + 26 * number
        if isinstance(roc, str):
            continue
        dash = f'stroke-dasharray="{(0, 8, 4, 2, 12)[number]} {(0, 3, 3, 3, 6)[number]}"' if number else ""
        points = "L".join(f"{left + side * x:.1f} {top + side * (1 - y_):.1f}" for x, y_ in roc["curve"])
        body.append(f'<path d="M{points}" fill="none" stroke="currentColor" stroke-width="2" {dash}/>')
        x = left + side + 20
        body.append(f'<path d="M{x} {y}h34" stroke="currentColor" stroke-width="2" {dash}/>')
        body.append(f'<text x="{x + 42}" y="{y + 5}">grade {grade}: {words(_statistic(roc["auc"]))}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 560 312" width="560" height="312" '
        'style="max-width:100%;min-width:356px;height:auto" font-size="14" fill="currentColor" '
        'font-family="system-ui, sans-serif"><title>ROC curve of each grade against the others</title>'
        f"{''.join(body)}</svg>"
    )


def _confusion(table: Sequence[Sequence[int]]) -> Table:
    names = (*(str(grade) for grade in GRADES), "none")
    counts = tuple(tuple(float(n) for n in row) for row in table)
    return Table(first="Truth", second="Model", categories=names, counts=counts)


def _statistic(figure: Mapping[str, Any]) -> Statistic:
    return Statistic(value=figure["value"], low=figure["low"], high=figure["high"])


def _embedded(image: GreyImage, reading: Mapping[str, Any]) -> str:
    """A data address of the slice, the truth in blue and the model in green, grades beside the boxes."""
    scale = SIDE / max(image.shape)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    picture = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
    said = median_grade(np.array(reading["probs"], np.float32).reshape(-1, 5))
    for box, grade in zip(reading["true_boxes"], reading["true_grades"], strict=True):
        _draw(picture, np.array(box) * scale, TRUE_COLOUR, str(grade or ""), right=False)
    for box, grade in zip(reading["boxes"], said, strict=True):
        _draw(picture, np.array(box) * scale, FOUND_COLOUR, str(grade), right=True)
    content = cv2.imencode(".png", picture)[1]
    return "data:image/png;base64," + base64.b64encode(content.tobytes()).decode("ascii")


def _draw(picture: Any, box: BoxArray | Any, colour: tuple[int, int, int], word: str, *, right: bool) -> None:
    x1, y1, x2, y2 = (round(float(edge)) for edge in box)
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 1)
    where = (x2 + 4 if right else x1 - 16, (y1 + y2) // 2 + 6)
    cv2.putText(picture, word, where, cv2.FONT_HERSHEY_SIMPLEX, 0.55, colour, 1, cv2.LINE_AA)
