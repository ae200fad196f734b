"""Claims remember that volumes were kept on purpose.

Of sessions that were gone before, nothing tells; their kept volumes are reported as orphans, which
no sweep removes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    retained = sa.Column("retained", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("claim", retained)
