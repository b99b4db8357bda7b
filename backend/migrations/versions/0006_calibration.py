"""the calibration set and its attempts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    _add_key()
    _add_attempts()


def _add_key() -> None:
    op.create_table(
        "calibration_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("laid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("laid_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_set")),
    )
    op.create_table(
        "calibration_disc",
        sa.Column("calibration", sa.Integer(), nullable=False),
        sa.Column("study", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=32), nullable=False),
        sa.Column("pfirrmann", sa.Integer(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration"],
            ["calibration_set.id"],
            name=op.f("fk_calibration_disc_calibration_calibration_set"),
        ),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_calibration_disc_study_study")),
        sa.PrimaryKeyConstraint("calibration", "study", "level", name=op.f("pk_calibration_disc")),
    )
    op.create_index(op.f("ix_calibration_disc_study"), "calibration_disc", ["study"], unique=False)


def _add_attempts() -> None:
    op.create_table(
        "calibration_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calibration", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discs", sa.Integer(), nullable=True),
        sa.Column("exact", sa.Integer(), nullable=True),
        sa.Column("within_one", sa.Integer(), nullable=True),
        sa.Column("kappa_linear", sa.Float(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration"],
            ["calibration_set.id"],
            name=op.f("fk_calibration_attempt_calibration_calibration_set"),
        ),
        sa.ForeignKeyConstraint(["reader"], ["person.id"], name=op.f("fk_calibration_attempt_reader_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration_attempt")),
        sa.UniqueConstraint("reader", "number", name=op.f("uq_calibration_attempt_reader_number")),
    )
    op.create_index(op.f("ix_calibration_attempt_reader"), "calibration_attempt", ["reader"], unique=False)
    op.create_table(
        "calibration_task",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attempt"],
            ["calibration_attempt.id"],
            name=op.f("fk_calibration_task_attempt_calibration_attempt"),
        ),
        sa.ForeignKeyConstraint(
            ["project"], ["project.key"], name=op.f("fk_calibration_task_project_project")
        ),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_calibration_task_unit_unit")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_calibration_task")),
        sa.UniqueConstraint("attempt", "position", name=op.f("uq_calibration_task_attempt_position")),
    )
    op.create_index(op.f("ix_calibration_task_attempt"), "calibration_task", ["attempt"], unique=False)
    op.create_index(op.f("ix_calibration_task_project"), "calibration_task", ["project"], unique=False)


def downgrade() -> None:
    """Going back would lose attempts: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
