"""The model card: what the bundled model was trained on and how, how well it reads, and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Any

from ml_backend.weights import ModelDescription

FILE = "MODEL_CARD.md"
CARD = Template("""\
# Model card: $version

**Not for clinical use.** Proposals for readers to correct, on upright sagittal T2 slices of the lumbar spine.

| | |
|---|---|
| version | `$version` |
| SHA-256 of `weights.pt` | `$sha256` |
| size | $size MB, float16 |
| made by | `python -m ml_backend.bundle DATA --out DIR` ($settings) |

## What it is
1. A detector for one class, disc: an Ultralytics network (`detector/disc.yaml`, YOLO11's blocks, two output
   strides, one million weights), trained from scratch at $side pixels.
2. The column: the chain of candidates with the best evidence and geometry (`column.py`); holes are filled,
   and the lowest disc is number 1. Levels follow from position and are an assumption.
3. Grading networks, $graders in all (`grader/network.py`: the detector's first seven layers, started from
   the same fold's detector, and two heads), on crops at a common scale and tilt, windowed by the grey values
   around them; averaged, also over the mirrored view; temperature $temperature. The shown grade is the median
   of the distribution.
4. A linear classifier of the detector's features for pictures that are not upright sagittal T2: learned from
   real slices, turned copies of them, noise, and DiscLoop's own phantoms, upright and turned (only this part
   has seen phantoms; its figures below are of real pictures).

No network here starts from weights published by others: all are trained from scratch on the data below.
An early checkpoint had graders that started from published EfficientNet-Lite0 weights; it was withdrawn
before the first release, nothing was trained from it, and no figure below is its.

## Data
- SPIDER, training subset: van der Graaf et al., Scientific Data 11:264 (2024), CC BY 4.0, doi
  10.1038/s41597-024-03090-w. 172 patients' middle T2 slices with Pfirrmann grades and herniation by one
  expert reader; T2 SPACE slices of 30 of them with masks; disc boxes of 77 of them drawn by a third party.
- Disc volumes: Menezes-Reis et al. 2016, doi 10.21037/qims.2016.08.01 (three volumes, boxes only).
- Lumbar Spine MRI Dataset: Sudirman et al., Mendeley Data, CC BY 4.0 (axial and coronal slices, part 4 only).

Slices without drawn boxes got the detector's own where it found the known number of discs (self-training).
$shipped

## Results
Nested cross-validation by patient: detector, self-training, graders and calibration of each fold never saw
the fold's patients; with one fold, the calibration of each half of its patients was fitted on the other.
$patients patients, $discs graded discs read end to end, from the picture to the grade. Grades are compared by
position from below, so a wrong count counts against the grades. 95% intervals by bootstrap over patients. The
constants of the column, the strength and prior of the picture classifier, the threshold for herniations and
the number of epochs were set while looking at the first fold, so its figures are a little kind; the networks
and the calibration were not fitted on it.

| | value | 95% interval |
|---|---|---|
$figures

Columns with the right count: $right of $patients; one more, as a rule at the top (a disc cut by the border):
$more; other: $other.

| grade | discs | recall | precision | F1 |
|---|---|---|---|---|
$grades

Rows true, columns proposed: $confusion

$folds

Kinds of pictures told apart on patients never seen (true: said): $plausibility

## Limits
- One expert's grades, one country, Siemens and Philips, middle slices only. No second reader: how far two
  surgeons would differ on these slices is not known.
- Disc boxes for detection figures were drawn by a third party, not verified by an expert; a transitional
  vertebra shifts their numbering in a few.
- **High-intensity zones: not evaluable and never proposed.** The data have no labels for them, and a model of
  painted ones would propose noise.
- **Herniation is SPIDER's own definition**, said of a whole disc ($herniated of the discs above). The box is
  put over the disc's posterior border by geometry; it does not outline anything. Proposed from a calibrated
  probability of $threshold only, which is seldom reached: at every lower threshold most boxes would be wrong.
- Axial slices: no model, nothing is proposed.
- Strong scoliosis, crushed columns and metal make the count unsure; the proposal then says so.
""")


FINAL = "The shipped detector went on with all patients for some epochs; the shipped graders are the folds'."
FOLDS_ONLY = """\
The shipped networks are the folds' own, trained on two thirds of the patients: the detector has not seen
the first fold's patients, and no grader those of its own fold."""


def write_card(
    description: ModelDescription, report: Mapping[str, Any], *, size_bytes: int, settings: str, final: bool
) -> str:
    """The card's text for a model and the report of its cross-validation."""
    figures, detection = report["all"], report["all"]["detection"]
    grades = figures["grades"]
    return CARD.substitute(
        version=description.version,
        sha256=description.sha256,
        size=f"{size_bytes / 1e6:.1f}",
        settings=settings,
        shipped=FINAL if final else FOLDS_ONLY,
        side=description.side,
        graders=description.graders,
        temperature=f"{description.temperature:.2f}",
        threshold=f"{description.herniation_threshold:.2f}",
        patients=figures["patients"],
        discs=figures["discs"],
        herniated=figures["herniation"]["herniated"],
        right=detection["count_right"],
        more=detection["count_one_more"],
        other=detection["count_other"],
        figures="\n".join(_figure_rows(figures)),
        grades="\n".join(
            f"| {grade} | {row['discs']} | {row['recall']} | {row['precision']} | {row['f1']} |"
            for grade, row in grades["per_grade"].items()
        ),
        confusion=f"`{grades['confusion']}`",
        folds="\n".join(f"- fold {name}: {_in_short(fold)}" for name, fold in report["folds"].items()),
        plausibility=_kinds(report["plausibility"]["true_by_said"]),
    )


def _figure_rows(figures: Mapping[str, Any]) -> list[str]:
    detection, grades = figures["detection"], figures["grades"]
    boxed = detection["recall"]["patients"]
    rows = {
        f"disc recall at IoU 0.5 ({boxed} patients with drawn boxes)": detection["recall"],
        "disc precision at IoU 0.5": detection["precision"],
        "right index of found discs": detection["right_index"],
        "linear kappa": grades["kappa_linear"],
        "quadratic kappa": grades["kappa_quadratic"],
        "within one grade": grades["within_one"],
        "same grade": grades["percent_agreement"],
        "Brier score": grades["brier"],
        "ranked probability score": grades["ranked_probability_score"],
        "herniation, AUC": figures["herniation"]["auc"],
    }
    return [f"| {name} | {v['value']} | {v['low']} to {v['high']} |" for name, v in rows.items()]


def _in_short(fold: Mapping[str, Any]) -> str:
    grades, detection = fold["grades"], fold["detection"]
    return (
        f"{fold['patients']} patients; recall {detection['recall']['value']}, precision "
        f"{detection['precision']['value']}, right index {detection['right_index']['value']}; linear kappa "
        f"{grades['kappa_linear']['value']}, quadratic {grades['kappa_quadratic']['value']}, within one "
        f"{grades['within_one']['value']} (uncalibrated)"
    )


def _kinds(table: Mapping[str, Mapping[str, int]]) -> str:
    parts = []
    for true, said in table.items():
        counts = ", ".join(f"{name} {count}" for name, count in said.items() if count)
        parts.append(f"{true}: {counts}")
    return "; ".join(parts) + "."
