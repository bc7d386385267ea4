"""rates and documents: as of when shipping options were told, and a feed of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
revision: str = '0011'
down_revision: str | None = '0010'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('vendor_shipping_options', sa.Column('told_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.drop_constraint(op.f('ck_feeds_kind'), 'feeds')
    op.create_check_constraint(op.f('ck_feeds_kind'), 'feeds', "kind IN ('catalog','delta','levels','rates')")


def downgrade() -> None:
    op.execute("UPDATE feeds SET kind = 'levels' WHERE kind = 'rates'")
    op.drop_constraint(op.f('ck_feeds_kind'), 'feeds')
    op.create_check_constraint(op.f('ck_feeds_kind'), 'feeds', "kind IN ('catalog','delta','levels')")
    op.drop_column('vendor_shipping_options', 'told_at')
