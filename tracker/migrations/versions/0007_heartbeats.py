"""How the daemon's heartbeats do, for other processes; dead pushes counted from an index.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "heartbeats",
        sa.Column("process", sa.String(), primary_key=True),
        sa.Column("job", sa.String(), primary_key=True),
        sa.Column("every", sa.Float(), nullable=False),
        sa.Column("began_at", sa.String(32), nullable=True),
        sa.Column("succeeded_at", sa.String(32), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("kept_at", sa.String(32), nullable=False),
    )
    op.create_index("ix_pushes_dead", "pushes", ["id"], sqlite_where=sa.text("state = 'dead'"))


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_pushes_dead", "pushes")
    op.drop_table("heartbeats")
