"""First tables, and the views that stay."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


VIEWS = {
    "fulfillment_status": """
        SELECT f.source_fulfillment_id, o.source_order_id, f.status, f.status_at, f.reason, f.tracking_company,
               f.withdrawn_at IS NOT NULL AS withdrawn,
               (SELECT p.status FROM pushes p WHERE p.fulfillment_id = f.id AND p.state = 'sent'
                ORDER BY p.id DESC LIMIT 1) AS pushed_status,
               (SELECT p.done_at FROM pushes p WHERE p.fulfillment_id = f.id AND p.state = 'sent'
                ORDER BY p.id DESC LIMIT 1) AS pushed_at
        FROM fulfillments f JOIN orders o ON o.id = f.order_id""",
    "parcel_status": """
        SELECT p.carrier, p.number AS tracking_number, p.use, p.status, p.status_at, p.reason, p.last_movement_at,
               p.delivered_at, p.estimated_delivery, p.last_polled_at, p.next_poll_at, p.not_found, p.last_error,
               f.source_fulfillment_id, o.source_order_id
        FROM parcels p JOIN fulfillment_parcels l ON l.parcel_id = p.id
        JOIN fulfillments f ON f.id = l.fulfillment_id JOIN orders o ON o.id = f.order_id
        WHERE f.withdrawn_at IS NULL""",
    "tracking_events": """
        SELECT p.carrier, p.number AS tracking_number, p.use, e.occurred_at, e.utc_offset, e.zone, e.code, e.mapped,
               e.status, e.description, e.city, e.state, e.postal_code, e.country, e.seen_at, e.withdrawn_at
        FROM events e JOIN parcels p ON p.id = e.parcel_id""",
    "pending_pushes": """
        SELECT f.source_fulfillment_id, o.source_order_id, p.status, p.state, p.attempts, p.created_at,
               p.next_attempt_at, p.last_error
        FROM pushes p JOIN fulfillments f ON f.id = p.fulfillment_id JOIN orders o ON o.id = f.order_id
        WHERE p.state IN ('waiting', 'dead')""",
}


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("next_call_at", sa.String(32), nullable=True),
        sa.Column("paused_until", sa.String(32), nullable=True),
        sa.Column("paused_reason", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_success_at", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_order_id", sa.String(), nullable=False),
        sa.Column("source_order_number", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=True),
        sa.Column("cancelled_at", sa.String(32), nullable=True),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_order_id"),
    )
    op.create_table(
        "parcels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("use", sa.Integer(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("fulfilled_at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(24), nullable=True),
        sa.Column("status_at", sa.String(32), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("last_movement_at", sa.String(32), nullable=True),
        sa.Column("delivered_at", sa.String(32), nullable=True),
        sa.Column("estimated_delivery", sa.String(32), nullable=True),
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("first_asked_at", sa.String(32), nullable=True),
        sa.Column("last_polled_at", sa.String(32), nullable=True),
        sa.Column("next_poll_at", sa.String(32), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.String(32), nullable=True),
        sa.Column("not_found", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("carrier", "number", "use"),
    )
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.create_index(
            "ix_parcels_due",
            ["carrier", "priority", "next_poll_at"],
            unique=False,
            sqlite_where=sa.text("next_poll_at IS NOT NULL"),
        )
        batch_op.create_index("ix_parcels_number", ["number"], unique=False)

    op.create_table(
        "quota_use",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "window", "slot"),
    )
    op.create_table(
        "reservations",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.CheckConstraint("calls >= 0"),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parcel_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.String(32), nullable=False),
        sa.Column("utc_offset", sa.Integer(), nullable=False),
        sa.Column("zone", sa.String(24), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("mapped", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(24), nullable=True),
        sa.Column("effect", sa.String(24), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("postal_code", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
        sa.Column("withdrawn_at", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["parcel_id"],
            ["parcels.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("parcel_id", "key"),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_unmapped", ["parcel_id"], unique=False, sqlite_where=sa.text("NOT mapped"))

    op.create_table(
        "fulfillments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("source_fulfillment_id", sa.String(), nullable=False),
        sa.Column("tracking_company", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("fulfilled_at", sa.String(32), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("status_at", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "source_fulfillment_id"),
    )
    with op.batch_alter_table("fulfillments", schema=None) as batch_op:
        batch_op.create_index("ix_fulfillments_source_id", ["source_fulfillment_id"], unique=False)

    op.create_table(
        "fulfillment_parcels",
        sa.Column("fulfillment_id", sa.Integer(), nullable=False),
        sa.Column("parcel_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tracking_url", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fulfillment_id"],
            ["fulfillments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parcel_id"],
            ["parcels.id"],
        ),
        sa.PrimaryKeyConstraint("fulfillment_id", "parcel_id"),
    )
    with op.batch_alter_table("fulfillment_parcels", schema=None) as batch_op:
        batch_op.create_index("ix_fulfillment_parcels_parcel", ["parcel_id"], unique=False)

    op.create_table(
        "pushes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fulfillment_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("next_attempt_at", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("done_at", sa.String(32), nullable=True),
        sa.Column("lease_token", sa.String(), nullable=True),
        sa.Column("lease_until", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["fulfillment_id"],
            ["fulfillments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("pushes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_pushes_due", ["next_attempt_at"], unique=False, sqlite_where=sa.text("state = 'waiting'")
        )
        batch_op.create_index("ix_pushes_fulfillment", ["fulfillment_id"], unique=False)
        batch_op.create_index(
            "ix_pushes_waiting", ["fulfillment_id", "id"], unique=False, sqlite_where=sa.text("state = 'waiting'")
        )

    op.create_table(
        "status_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fulfillment_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fulfillment_id"],
            ["fulfillments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("status_history", schema=None) as batch_op:
        batch_op.create_index("ix_status_history_fulfillment", ["fulfillment_id"], unique=False)

    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    """Back."""
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    with op.batch_alter_table("status_history", schema=None) as batch_op:
        batch_op.drop_index("ix_status_history_fulfillment")

    op.drop_table("status_history")
    with op.batch_alter_table("pushes", schema=None) as batch_op:
        batch_op.drop_index("ix_pushes_waiting", sqlite_where=sa.text("state = 'waiting'"))
        batch_op.drop_index("ix_pushes_fulfillment")
        batch_op.drop_index("ix_pushes_due", sqlite_where=sa.text("state = 'waiting'"))

    op.drop_table("pushes")
    with op.batch_alter_table("fulfillment_parcels", schema=None) as batch_op:
        batch_op.drop_index("ix_fulfillment_parcels_parcel")

    op.drop_table("fulfillment_parcels")
    with op.batch_alter_table("fulfillments", schema=None) as batch_op:
        batch_op.drop_index("ix_fulfillments_source_id")

    op.drop_table("fulfillments")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_unmapped", sqlite_where=sa.text("NOT mapped"))

    op.drop_table("events")
    op.drop_table("reservations")
    op.drop_table("quota_use")
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.drop_index("ix_parcels_number")
        batch_op.drop_index("ix_parcels_due", sqlite_where=sa.text("next_poll_at IS NOT NULL"))

    op.drop_table("parcels")
    op.drop_table("orders")
    op.drop_table("accounts")
