"""reroute: consent of buyers, parts that are split or taken over by others."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
revision: str = '0004'
down_revision: str | None = '0003'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('orders', sa.Column('price_limit', sa.BigInteger(), nullable=True))
    op.add_column('orders', sa.Column('arrive_by', sa.Date(), nullable=True))
    op.add_column('orders', sa.Column('tax_bps', sa.Integer(), server_default='0', nullable=False))
    op.create_check_constraint(op.f('ck_orders_on_shortage'), 'orders', "on_shortage IN ('reroute','partial','cancel')")
    op.create_check_constraint(op.f('ck_orders_price_limit'), 'orders', "price_limit >= total")
    op.add_column('sub_orders', sa.Column('split_from', sa.Text(collation='C'), nullable=True))
    op.add_column('sub_orders', sa.Column('replaces', sa.Text(collation='C'), nullable=True))
    op.add_column('sub_orders', sa.Column('was', sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f('ck_sub_orders_replaces'), 'sub_orders', "(replaces IS NULL) = (was IS NULL)")
    op.add_column('lines', sa.Column('shipping_price', sa.BigInteger(), server_default='0', nullable=False))
    op.drop_constraint(op.f('ck_lines_unit_price'), 'lines', type_='check')
    op.create_check_constraint(op.f('ck_lines_unit_price'), 'lines', "unit_price >= 0 AND shipping_price >= 0")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_lines_unit_price'), 'lines', type_='check')
    op.create_check_constraint(op.f('ck_lines_unit_price'), 'lines', "unit_price >= 0")
    op.drop_column('lines', 'shipping_price')
    op.drop_constraint(op.f('ck_sub_orders_replaces'), 'sub_orders', type_='check')
    op.drop_column('sub_orders', 'was')
    op.drop_column('sub_orders', 'replaces')
    op.drop_column('sub_orders', 'split_from')
    op.drop_constraint(op.f('ck_orders_price_limit'), 'orders', type_='check')
    op.drop_constraint(op.f('ck_orders_on_shortage'), 'orders', type_='check')
    op.drop_column('orders', 'tax_bps')
    op.drop_column('orders', 'arrive_by')
    op.drop_column('orders', 'price_limit')
