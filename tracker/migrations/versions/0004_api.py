"""Tokens of the HTTP API, calls on their way to Order Protection, and what lists are read by.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("role", sa.String(24), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False, unique=True),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=True),
        sa.Column("last_used_at", sa.String(32), nullable=True),
    )
    op.create_table(
        "forwarded_calls",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("source_order_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("next_attempt_at", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("done_at", sa.String(32), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.String(32), nullable=True),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_forwarded_calls_order", "forwarded_calls", ["source_order_id", "id"], sqlite_where=waiting)
    op.create_index("ix_forwarded_calls_due", "forwarded_calls", ["next_attempt_at"], sqlite_where=waiting)
    op.create_index("ix_fulfillments_status", "fulfillments", ["status"], sqlite_where=sa.text("withdrawn_at IS NULL"))
    op.create_index("ix_parcels_status", "parcels", ["status"])
    op.create_index("ix_status_history_recorded", "status_history", ["recorded_at"])


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_status_history_recorded", "status_history")
    op.drop_index("ix_parcels_status", "parcels")
    op.drop_index("ix_fulfillments_status", "fulfillments")
    op.drop_table("forwarded_calls")
    op.drop_table("tokens")
