"""What people do at the desk, and what the page draws over time.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WITHDRAWN = sa.text("withdrawn_at IS NOT NULL")
_DELIVERED = sa.text("delivered_at IS NOT NULL")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "overrides",
        sa.Column("fulfillment_id", sa.Integer(), sa.ForeignKey("fulfillments.id"), primary_key=True),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("before", sa.String(24), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
    )
    op.create_table(
        "mutes",
        sa.Column("fulfillment_id", sa.Integer(), sa.ForeignKey("fulfillments.id"), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("fulfillment_id", sa.Integer(), sa.ForeignKey("fulfillments.id"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
    )
    op.create_index("ix_notes_fulfillment", "notes", ["fulfillment_id"])
    op.create_table(
        "account_hours",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("hour", sa.Integer(), primary_key=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("news", sa.Integer(), nullable=False),
        sa.Column("lag_seconds", sa.Float(), nullable=False),
    )
    op.create_table(
        "status_hours",
        sa.Column("hour", sa.Integer(), primary_key=True),
        sa.Column("status", sa.String(), primary_key=True),
        sa.Column("parcels", sa.Integer(), nullable=False),
    )
    op.create_index("ix_fulfillments_withdrawn", "fulfillments", ["id"], sqlite_where=_WITHDRAWN)
    op.create_index("ix_parcels_delivered", "parcels", ["delivered_at"], sqlite_where=_DELIVERED)


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_parcels_delivered", "parcels")
    op.drop_index("ix_fulfillments_withdrawn", "fulfillments")
    for name in ("status_hours", "account_hours", "notes", "mutes", "overrides"):
        op.drop_table(name)
