"""studies, proposals, worklists, readings"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from backend.migrations.append_only import make_append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("project_key", sa.String(length=80), nullable=False),
        sa.Column("task_key", sa.String(length=80), nullable=False),
        sa.Column("annotation", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
        sa.UniqueConstraint(
            "kind", "annotation", "uid", "sha256", name=op.f("uq_discrepancy_kind_annotation_uid_sha256")
        ),
    )
    op.create_table(
        "ledger_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("annotations", sa.Integer(), nullable=False),
        sa.Column("discrepancies", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_check")),
    )
    op.create_table(
        "outbox_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_cursor")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.Column("site", sa.String(length=40), nullable=False),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("shares", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("annotation", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=True),
        sa.Column("task", sa.Integer(), nullable=True),
        sa.Column("task_key", sa.String(), nullable=True),
        sa.Column("project_key", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lead_time_s", sa.Float(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("epoch", "outbox_id", name=op.f("uq_revision_epoch_outbox_id")),
    )
    op.create_index(op.f("ix_revision_author"), "revision", ["author"], unique=False)
    op.create_index(op.f("ix_revision_kind"), "revision", ["kind"], unique=False)
    op.create_index(op.f("ix_revision_state"), "revision", ["state"], unique=False)
    op.create_index(op.f("ix_revision_task_key"), "revision", ["task_key"], unique=False)
    op.create_index(op.f("ix_revision_uid"), "revision", ["uid"], unique=False)
    op.create_table(
        "arm_draw",
        sa.Column("patient", sa.String(length=40), nullable=False),
        sa.Column("arm", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["patient"], ["patient.id"], name=op.f("fk_arm_draw_patient_patient")),
        sa.ForeignKeyConstraint(["plan"], ["plan.id"], name=op.f("fk_arm_draw_plan_plan")),
        sa.PrimaryKeyConstraint("patient", name=op.f("pk_arm_draw")),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=128), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("ingested_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["patient"], ["patient.id"], name=op.f("fk_study_patient_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("digest", name=op.f("uq_study_digest")),
    )
    op.create_index(op.f("ix_study_patient"), "study", ["patient"], unique=False)
    op.create_table(
        "unit",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("plane", sa.String(length=32), nullable=False),
        sa.Column("slices", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_unit_study_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
    )
    op.create_index(op.f("ix_unit_study"), "unit", ["study"], unique=False)
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_proposal_unit_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("unit", "model", name=op.f("uq_proposal_unit_model")),
    )
    op.create_index(op.f("ix_proposal_model"), "proposal", ["model"], unique=False)
    op.create_index(op.f("ix_proposal_unit"), "proposal", ["unit"], unique=False)
    op.create_table(
        "assignment",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("plane", sa.String(length=32), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("arm", sa.String(length=32), nullable=False),
        sa.Column("occasion", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("selection", sa.String(length=32), nullable=False),
        sa.Column("inclusion", sa.Float(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposal", sa.Integer(), nullable=True),
        sa.Column("model", sa.String(length=120), nullable=True),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("task", sa.Integer(), nullable=True),
        sa.Column("provisioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan"], ["plan.id"], name=op.f("fk_assignment_plan_plan")),
        sa.ForeignKeyConstraint(["project"], ["project.key"], name=op.f("fk_assignment_project_project")),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.id"], name=op.f("fk_assignment_proposal_proposal")),
        sa.ForeignKeyConstraint(["reader"], ["person.id"], name=op.f("fk_assignment_reader_person")),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_assignment_unit_unit")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_assignment")),
        sa.UniqueConstraint("project", "position", name=op.f("uq_assignment_project_position")),
        sa.UniqueConstraint("unit", "reader", "occasion", name=op.f("uq_assignment_unit_reader_occasion")),
    )
    op.create_index(op.f("ix_assignment_plan"), "assignment", ["plan"], unique=False)
    op.create_index(op.f("ix_assignment_project"), "assignment", ["project"], unique=False)
    op.create_index(op.f("ix_assignment_reader"), "assignment", ["reader"], unique=False)
    op.create_index(op.f("ix_assignment_unit"), "assignment", ["unit"], unique=False)
    make_append_only("revision")


def downgrade() -> None:
    """Going back would lose readings: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
