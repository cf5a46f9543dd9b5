"""What was promised first, and what Order Protection holds otherwise than we.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of parcels known so far, the promise known last passes for the first."""
    op.add_column("parcels", sa.Column("first_promise", sa.String(32), nullable=True))
    op.execute("UPDATE parcels SET first_promise = estimated_delivery")
    op.add_column("orders", sa.Column("compared_at", sa.String(32), nullable=True))
    op.add_column("orders", sa.Column("compare_at", sa.String(32), nullable=True))
    op.create_index("ix_orders_compare", "orders", ["compare_at"], sqlite_where=sa.text("compare_at IS NOT NULL"))
    op.create_table(
        "drift",
        sa.Column("order_id", sa.Integer(), sa.ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("source_fulfillment_id", sa.String(), primary_key=True),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("ours", sa.String(24), nullable=True),
        sa.Column("theirs", sa.String(), nullable=True),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
        sa.Column("repaired_at", sa.String(32), nullable=True),
    )


def downgrade() -> None:
    """Back."""
    op.drop_table("drift")
    op.drop_index("ix_orders_compare", "orders")
    op.drop_column("orders", "compare_at")
    op.drop_column("orders", "compared_at")
    op.drop_column("parcels", "first_promise")
