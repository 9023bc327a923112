"""What holds for a check whatever it does, and the private locations it runs at."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_EMPTY = {"private_locations": "[]", "policy": "{}"}


def upgrade() -> None:
    for name, empty in _EMPTY.items():
        op.add_column(
            "checks", sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text(f"'{empty}'"))
        )


def downgrade() -> None:
    for name in _EMPTY:
        op.drop_column("checks", name)
