"""comparisons, consensus, adjudications, agreement, rounds, models"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "freeze",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
    )
    op.create_table(
        "model_version",
        sa.Column("version", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("folder", sa.String(length=120), nullable=True),
        sa.Column("round", sa.String(length=12), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_model_version")),
    )
    op.create_table(
        "replica",
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=120), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_replica")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.String(length=40), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.String(length=40), nullable=True),
        sa.Column("snapshot", sa.String(length=64), nullable=True),
        sa.Column("test_set", sa.String(length=64), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("trained_on", sa.Text(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("champion", sa.String(length=120), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("stalled", sa.Integer(), nullable=False),
        sa.Column("cancel_by", sa.String(length=40), nullable=True),
        sa.Column("challenger", sa.String(length=120), nullable=True),
        sa.Column("weights", sa.String(length=64), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("evidence", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promoted_by", sa.String(length=40), nullable=True),
        sa.Column("holder", sa.String(length=60), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
    )
    op.create_index(op.f("ix_round_state"), "round", ["state"], unique=False)
    op.create_table(
        "generation",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["model_version.version"], name=op.f("fk_generation_version_model_version")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_generation")),
    )
    op.create_table(
        "test_look",
        sa.Column("round", sa.String(), nullable=False),
        sa.Column("test_set", sa.String(length=64), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["round"], ["round.id"], name=op.f("fk_test_look_round_round")),
        sa.PrimaryKeyConstraint("round", name=op.f("pk_test_look")),
    )
    op.create_index(op.f("ix_test_look_test_set"), "test_look", ["test_set"], unique=False)
    op.create_table(
        "comparison",
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("first", sa.String(), nullable=False),
        sa.Column("second", sa.String(), nullable=False),
        sa.Column("first_revision", sa.Integer(), nullable=False),
        sa.Column("second_revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("disagreements", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Float(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["first"], ["assignment.key"], name=op.f("fk_comparison_first_assignment")),
        sa.ForeignKeyConstraint(
            ["first_revision"], ["revision.id"], name=op.f("fk_comparison_first_revision_revision")
        ),
        sa.ForeignKeyConstraint(["second"], ["assignment.key"], name=op.f("fk_comparison_second_assignment")),
        sa.ForeignKeyConstraint(
            ["second_revision"], ["revision.id"], name=op.f("fk_comparison_second_revision_revision")
        ),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_comparison_unit_unit")),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_comparison")),
    )
    op.create_index(op.f("ix_comparison_disagreements"), "comparison", ["disagreements"], unique=False)
    op.create_table(
        "adjudication",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("plane", sa.String(length=32), nullable=False),
        sa.Column("adjudicator", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reader_1", sa.String(), nullable=False),
        sa.Column("reader_2", sa.String(), nullable=False),
        sa.Column("severity", sa.Float(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task", sa.Integer(), nullable=True),
        sa.Column("provisioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["adjudicator"], ["person.id"], name=op.f("fk_adjudication_adjudicator_person")
        ),
        sa.ForeignKeyConstraint(
            ["decision"], ["revision.id"], name=op.f("fk_adjudication_decision_revision")
        ),
        sa.ForeignKeyConstraint(["project"], ["project.key"], name=op.f("fk_adjudication_project_project")),
        sa.ForeignKeyConstraint(
            ["reader_1"], ["assignment.key"], name=op.f("fk_adjudication_reader_1_assignment")
        ),
        sa.ForeignKeyConstraint(
            ["reader_2"], ["assignment.key"], name=op.f("fk_adjudication_reader_2_assignment")
        ),
        sa.ForeignKeyConstraint(["unit"], ["comparison.unit"], name=op.f("fk_adjudication_unit_comparison")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_adjudication")),
        sa.UniqueConstraint("project", "position", name=op.f("uq_adjudication_project_position")),
        sa.UniqueConstraint("unit", name=op.f("uq_adjudication_unit")),
    )
    op.create_index(op.f("ix_adjudication_adjudicator"), "adjudication", ["adjudicator"], unique=False)
    op.create_index(op.f("ix_adjudication_project"), "adjudication", ["project"], unique=False)
    op.create_table(
        "consensus",
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.Column("plane", sa.String(length=32), nullable=False),
        sa.Column("arm", sa.String(length=32), nullable=False),
        sa.Column("provenance", sa.String(length=32), nullable=False),
        sa.Column("adjudication", sa.String(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("discs", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["adjudication"], ["adjudication.key"], name=op.f("fk_consensus_adjudication_adjudication")
        ),
        sa.ForeignKeyConstraint(["patient"], ["patient.id"], name=op.f("fk_consensus_patient_patient")),
        sa.ForeignKeyConstraint(["study"], ["study.id"], name=op.f("fk_consensus_study_study")),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_consensus_unit_unit")),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_consensus")),
    )
    op.create_index(op.f("ix_consensus_patient"), "consensus", ["patient"], unique=False)
    op.create_index(op.f("ix_consensus_study"), "consensus", ["study"], unique=False)


def downgrade() -> None:
    """Going back would lose readings: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
