"""Carriers' own deliveries, and webhooks for whoever wants to be told of status changes.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("parcels", sa.Column("last_hook_at", sa.String(32), nullable=True))
    op.add_column("events", sa.Column("hooked_at", sa.String(32), nullable=True))
    op.create_table(
        "hook_deliveries",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("identity", sa.String(), primary_key=True),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("news", sa.Integer(), nullable=False),
        sa.Column("parcels", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
    )
    op.create_index("ix_hook_deliveries_received", "hook_deliveries", ["received_at"])
    op.create_table(
        "webhook_endpoints",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("statuses", sa.String(), nullable=False),
        sa.Column("carriers", sa.String(), nullable=False),
        sa.Column("paused_until", sa.String(32), nullable=True),
        sa.Column("paused_reason", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_success_at", sa.String(32), nullable=True),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("message_id", sa.String(), nullable=False, unique=True),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("fulfillment_id", sa.Integer(), sa.ForeignKey("fulfillments.id"), nullable=False),
        sa.Column("change_id", sa.Integer(), sa.ForeignKey("status_history.id"), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
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
    for name, columns, where in (
        ("waiting", ["endpoint", "fulfillment_id", "id"], waiting),
        ("due", ["endpoint", "next_attempt_at"], waiting),
        ("fulfillment", ["fulfillment_id"], None),
        ("done", ["done_at"], sa.text("state <> 'waiting'")),
    ):
        op.create_index(f"ix_webhook_messages_{name}", "webhook_messages", columns, sqlite_where=where)


def downgrade() -> None:
    """Back."""
    op.drop_table("webhook_messages")
    op.drop_table("webhook_endpoints")
    op.drop_table("hook_deliveries")
    op.drop_column("events", "hooked_at")
    op.drop_column("parcels", "last_hook_at")
