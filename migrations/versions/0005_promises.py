"""promises: what vendors promise, and how they keep it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('promise_rounds',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('done_until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_promise_rounds'))
    )
    op.create_table('vendor_days',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('stale', sa.Boolean(), nullable=False),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('sold', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('refunded', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('acceptance_seconds', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('vendor', 'day', name=op.f('pk_vendor_days'))
    )
    op.create_index('ix_vendor_days_day', 'vendor_days', ['day'], unique=False)
    op.create_index('ix_vendor_days_stale', 'vendor_days', ['vendor', 'day'], unique=False, postgresql_where=sa.text('stale'))
    op.create_table('vendor_judgments',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('says', sa.Text(), nullable=False),
    sa.Column('breach', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("verdict IN ('warned','suspended','lifted')", name=op.f('ck_vendor_judgments_verdict')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vendor_judgments'))
    )
    op.create_index('ix_vendor_judgments_at', 'vendor_judgments', ['at'], unique=False)
    op.create_index('ix_vendor_judgments_vendor_id', 'vendor_judgments', ['vendor', 'id'], unique=False)
    op.create_table('vendor_promises',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('own', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_vendor_promises_vendor')),
    sa.PrimaryKeyConstraint('vendor', name=op.f('pk_vendor_promises'))
    )
    op.add_column('steps', sa.Column('alarm_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('steps', sa.Column('alarms', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True))
    op.create_index('ix_steps_alarm_at', 'steps', ['alarm_at'], unique=False, postgresql_where=sa.text("state = 'open' AND alarm_at IS NOT NULL"))
    op.add_column('sub_orders', sa.Column('accept_by', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sub_orders', sa.Column('ship_by', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sub_orders', sa.Column('deliver_by', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sub_orders', sa.Column('routed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sub_orders', sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('sub_orders', sa.Column('lapse', sa.Text(), nullable=True))
    op.create_check_constraint(op.f('ck_sub_orders_lapse'), 'sub_orders', "lapse IN ('declined','no_answer','canceled_by_vendor')")
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vendor_judgments FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER never_emptied BEFORE TRUNCATE ON vendor_judgments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    op.drop_column('sub_orders', 'lapse')
    op.drop_column('sub_orders', 'accepted_at')
    op.drop_column('sub_orders', 'routed_at')
    op.drop_column('sub_orders', 'deliver_by')
    op.drop_column('sub_orders', 'ship_by')
    op.drop_column('sub_orders', 'accept_by')
    op.drop_index('ix_steps_alarm_at', table_name='steps', postgresql_where=sa.text("state = 'open' AND alarm_at IS NOT NULL"))
    op.drop_column('steps', 'alarms')
    op.drop_column('steps', 'alarm_at')
    op.drop_table('vendor_promises')
    op.drop_index('ix_vendor_judgments_vendor_id', table_name='vendor_judgments')
    op.drop_index('ix_vendor_judgments_at', table_name='vendor_judgments')
    op.drop_table('vendor_judgments')
    op.drop_index('ix_vendor_days_stale', table_name='vendor_days', postgresql_where=sa.text('stale'))
    op.drop_index('ix_vendor_days_day', table_name='vendor_days')
    op.drop_table('vendor_days')
    op.drop_table('promise_rounds')
