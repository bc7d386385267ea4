"""returns: units on their way back, and what was found of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0009'
down_revision: str | None = '0008'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint(op.f('ck_vendors_capabilities'), 'vendors')
    op.create_check_constraint(op.f('ck_vendors_capabilities'), 'vendors', "capabilities <@ ARRAY['stock','orders','shipping','returns']")
    op.create_table('returns',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('sub_order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('pays_shipping', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('reference', sa.Text(), server_default='', nullable=False),
    sa.Column('instructions', sa.Text(), server_default='', nullable=False),
    sa.Column('parcel', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('authorize_id', sa.Text(collation='C'), nullable=True),
    sa.Column('inspect_id', sa.Text(collation='C'), nullable=True),
    sa.Column('refund_id', sa.Text(collation='C'), nullable=True),
    sa.Column('authorize_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('receive_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("pays_shipping IN ('vendor','buyer')", name=op.f('ck_returns_pays_shipping')),
    sa.CheckConstraint("refund_id IS NULL OR state = 'refunded'", name=op.f('ck_returns_refund')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_returns_refund_id_refunds')),
    sa.ForeignKeyConstraint(['sub_order_id'], ['sub_orders.id'], name=op.f('fk_returns_sub_order_id_sub_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returns')),
    sa.UniqueConstraint('refund_id', name=op.f('uq_returns_refund_id'))
    )
    op.create_index(op.f('ix_returns_order_id'), 'returns', ['order_id'], unique=False)
    op.create_index(op.f('ix_returns_sub_order_id'), 'returns', ['sub_order_id'], unique=False)
    op.create_index('ix_returns_vendor_id', 'returns', ['vendor', 'id'], unique=False)
    op.create_table('return_lines',
    sa.Column('return_id', sa.Text(collation='C'), nullable=False),
    sa.Column('line_id', sa.Text(collation='C'), nullable=False),
    sa.Column('offer_id', sa.Text(collation='C'), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('good', sa.Integer(), server_default='0', nullable=False),
    sa.Column('damaged', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rejected', sa.Integer(), server_default='0', nullable=False),
    sa.Column('rejected_reason', sa.Text(), server_default='', nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_return_lines_quantity')),
    sa.CheckConstraint('least(good, damaged, rejected) >= 0 AND good + damaged + rejected <= quantity', name=op.f('ck_return_lines_counted')),
    sa.ForeignKeyConstraint(['line_id'], ['lines.id'], name=op.f('fk_return_lines_line_id_lines')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_return_lines_return_id_returns')),
    sa.PrimaryKeyConstraint('return_id', 'line_id', name=op.f('pk_return_lines'))
    )
    op.create_index(op.f('ix_return_lines_line_id'), 'return_lines', ['line_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_return_lines_line_id'), table_name='return_lines')
    op.drop_table('return_lines')
    op.drop_index('ix_returns_vendor_id', table_name='returns')
    op.drop_index(op.f('ix_returns_sub_order_id'), table_name='returns')
    op.drop_index(op.f('ix_returns_order_id'), table_name='returns')
    op.drop_table('returns')
    op.execute("UPDATE vendors SET capabilities = array_remove(capabilities, 'returns')")
    op.drop_constraint(op.f('ck_vendors_capabilities'), 'vendors')
    op.create_check_constraint(op.f('ck_vendors_capabilities'), 'vendors', "capabilities <@ ARRAY['stock','orders','shipping']")
