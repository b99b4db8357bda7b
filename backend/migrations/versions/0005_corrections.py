"""corrections, and what pages of long lists look up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from backend.migrations.append_only import make_append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it so."""
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adjudication", sa.String(length=40), nullable=True),
        sa.Column("comparison", sa.Text(), nullable=True),
        sa.Column("given", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["revision"], ["revision.id"], name=op.f("fk_correction_revision_revision")),
        sa.ForeignKeyConstraint(["unit"], ["unit.id"], name=op.f("fk_correction_unit_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
    )
    op.create_index(op.f("ix_correction_adjudication"), "correction", ["adjudication"], unique=False)
    op.create_index(op.f("ix_correction_unit"), "correction", ["unit"], unique=False)
    op.create_index(op.f("ix_revision_number"), "revision", ["number"], unique=False)
    make_append_only("correction")


def downgrade() -> None:
    """Going back would lose readings: restore a backup instead."""
    raise NotImplementedError("restore a backup instead")
