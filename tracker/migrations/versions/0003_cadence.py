"""What the cadence knows of a parcel, of an account's price, and has learnt.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Where each parcel is on its way; a price for each account; the sums of what was seen."""
    op.add_column("parcels", sa.Column("stage", sa.String(24), nullable=True))
    op.add_column("parcels", sa.Column("stage_at", sa.String(32), nullable=True))
    op.add_column("parcels", sa.Column("utc_offset", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("parcels", sa.Column("look_at", sa.String(32), nullable=True))
    op.add_column("accounts", sa.Column("calls", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_parcels_unasked",
        "parcels",
        ["source", "next_poll_at"],
        sqlite_where=sa.text("last_polled_at IS NULL AND next_poll_at IS NOT NULL"),
    )
    op.create_table(
        "prices",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("backlog", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
    )
    op.create_table(
        "lessons",
        sa.Column("carrier", sa.String(), primary_key=True),
        sa.Column("service", sa.String(), primary_key=True),
        sa.Column("stage", sa.String(24), primary_key=True),
        sa.Column("part", sa.String(), primary_key=True),
        sa.Column("events", sa.Float(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("lessons")
    op.drop_table("prices")
    op.drop_index("ix_parcels_unasked", "parcels")
    op.drop_column("accounts", "calls")
    for name in ("look_at", "utc_offset", "stage_at", "stage"):
        op.drop_column("parcels", name)
