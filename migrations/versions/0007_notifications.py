"""notifications: endpoints of vendors, what they are told, and how far the timeline is followed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0007'
down_revision: str | None = '0006'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('webhook_cursors',
    sa.Column('name', sa.Text(collation='C'), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('seen_seq', sa.BigInteger(), nullable=False),
    sa.Column('seen_xid', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_webhook_cursors'))
    )
    op.execute("INSERT INTO webhook_cursors SELECT 'timeline', coalesce(max(seq), 0), coalesce(max(seq), 0), 0 FROM timeline")
    op.create_table('webhook_endpoints',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('types', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('payload', sa.Text(), server_default='full', nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('quiet_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("payload IN ('thin','full')", name=op.f('ck_webhook_endpoints_payload')),
    sa.CheckConstraint("state IN ('enabled','disabled','removed')", name=op.f('ck_webhook_endpoints_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints'))
    )
    op.create_index('ix_webhook_endpoints_vendor_id', 'webhook_endpoints', ['vendor', 'id'], unique=False)
    op.create_table('webhook_events',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('thin', sa.LargeBinary(), nullable=False),
    sa.Column('full', sa.LargeBinary(), nullable=True),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_events'))
    )
    op.create_index('ix_webhook_events_created_at', 'webhook_events', ['created_at'], unique=False, postgresql_using='brin')
    op.create_table('webhook_deliveries',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('event_id', sa.Text(collation='C'), nullable=False),
    sa.Column('endpoint_id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(collation='C'), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='pending', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('step', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name=op.f('ck_webhook_deliveries_ended_at')),
    sa.CheckConstraint("state IN ('pending','delivered','failed')", name=op.f('ck_webhook_deliveries_state')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_deliveries_endpoint_id')),
    sa.ForeignKeyConstraint(['event_id'], ['webhook_events.id'], name=op.f('fk_webhook_deliveries_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries'))
    )
    op.create_index('ix_webhook_deliveries_due', 'webhook_deliveries', ['endpoint_id', 'due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_webhook_deliveries_endpoint_id_id', 'webhook_deliveries', ['endpoint_id', 'id'], unique=False)
    op.create_index(op.f('ix_webhook_deliveries_event_id'), 'webhook_deliveries', ['event_id'], unique=False)
    op.create_index('ix_webhook_deliveries_leased', 'webhook_deliveries', ['endpoint_id'], unique=False, postgresql_where=sa.text("leased_until IS NOT NULL"))
    op.create_index('ix_webhook_deliveries_line', 'webhook_deliveries', ['endpoint_id', 'key', 'position'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_webhook_deliveries_vendor_id', 'webhook_deliveries', ['vendor', 'id'], unique=False)
    op.create_table('webhook_keys',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('endpoint_id', sa.Text(collation='C'), nullable=False),
    sa.Column('scheme', sa.Text(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("scheme IN ('v1','v1a')", name=op.f('ck_webhook_keys_scheme')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_keys_endpoint_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_keys'))
    )
    op.create_index(op.f('ix_webhook_keys_endpoint_id'), 'webhook_keys', ['endpoint_id'], unique=False)
    op.create_table('webhook_replays',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('endpoint_id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('after', sa.Text(collation='C'), server_default='', nullable=False),
    sa.Column('replayed', sa.Integer(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_replays_endpoint_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_replays'))
    )
    op.create_index(op.f('ix_webhook_replays_endpoint_id'), 'webhook_replays', ['endpoint_id'], unique=False)
    op.create_index('uq_webhook_replays_open', 'webhook_replays', ['endpoint_id'], unique=True, postgresql_where=sa.text('done_at IS NULL'))
    op.create_table('webhook_attempts',
    sa.Column('delivery_id', sa.Text(collation='C'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('milliseconds', sa.Integer(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('error', sa.Text(), server_default='', nullable=False),
    sa.Column('response', sa.Text(), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_deliveries.id'], name=op.f('fk_webhook_attempts_delivery_id')),
    sa.PrimaryKeyConstraint('delivery_id', 'number', name=op.f('pk_webhook_attempts'))
    )


def downgrade() -> None:
    op.drop_table('webhook_attempts')
    op.drop_index('uq_webhook_replays_open', table_name='webhook_replays', postgresql_where=sa.text('done_at IS NULL'))
    op.drop_index(op.f('ix_webhook_replays_endpoint_id'), table_name='webhook_replays')
    op.drop_table('webhook_replays')
    op.drop_index(op.f('ix_webhook_keys_endpoint_id'), table_name='webhook_keys')
    op.drop_table('webhook_keys')
    op.drop_index('ix_webhook_deliveries_vendor_id', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_leased', table_name='webhook_deliveries', postgresql_where=sa.text("leased_until IS NOT NULL"))
    op.drop_index('ix_webhook_deliveries_line', table_name='webhook_deliveries', postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f('ix_webhook_deliveries_event_id'), table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_endpoint_id_id', table_name='webhook_deliveries')
    op.drop_index('ix_webhook_deliveries_due', table_name='webhook_deliveries', postgresql_where=sa.text("state = 'pending'"))
    op.drop_table('webhook_deliveries')
    op.drop_index('ix_webhook_events_created_at', table_name='webhook_events', postgresql_using='brin')
    op.drop_table('webhook_events')
    op.drop_index('ix_webhook_endpoints_vendor_id', table_name='webhook_endpoints')
    op.drop_table('webhook_endpoints')
    op.drop_table('webhook_cursors')
