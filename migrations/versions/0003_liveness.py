"""liveness: the signs of life of vendors' spokes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('vendor_liveness',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('boot_id', sa.Text(), server_default='', nullable=False),
    sa.Column('version', sa.Text(), server_default='', nullable=False),
    sa.Column('breakers', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('in_flight', sa.Integer(), server_default='0', nullable=False),
    sa.Column('oldest_seconds', sa.Float(), server_default='0', nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('busy_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('vendor', name=op.f('pk_vendor_liveness')),
    postgresql_with={'fillfactor': '50'}
    )


def downgrade() -> None:
    op.drop_table('vendor_liveness')
