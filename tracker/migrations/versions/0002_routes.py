"""Where parcels are asked about, and who told what.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Parcels are due at a source, which so far was their carrier; events say whose code theirs is."""
    op.add_column("orders", sa.Column("tags", sa.String(), nullable=False, server_default=""))
    op.add_column("parcels", sa.Column("source", sa.String(), nullable=False, server_default=""))
    op.add_column("parcels", sa.Column("route", sa.String(), nullable=False, server_default=""))
    op.add_column("parcels", sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("parcels", sa.Column("not_found_since", sa.String(32), nullable=True))
    op.add_column("events", sa.Column("source", sa.String(), nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("failing_since", sa.String(32), nullable=True))
    op.execute(
        "UPDATE parcels SET source = carrier, route = carrier,"
        " not_found_since = CASE WHEN not_found THEN first_asked_at END"
    )
    op.execute("UPDATE events SET source = (SELECT carrier FROM parcels WHERE parcels.id = events.parcel_id)")
    op.drop_index("ix_parcels_due", "parcels")
    op.create_index(
        "ix_parcels_due",
        "parcels",
        ["source", "priority", "next_poll_at"],
        sqlite_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_table(
        "remembered",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("remembered")
    op.drop_index("ix_parcels_due", "parcels")
    op.create_index(
        "ix_parcels_due",
        "parcels",
        ["carrier", "priority", "next_poll_at"],
        sqlite_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.drop_column("accounts", "failing_since")
    op.drop_column("events", "source")
    for name in ("not_found_since", "step", "route", "source"):
        op.drop_column("parcels", name)
    op.drop_column("orders", "tags")
