"""feeds: what vendors tell of their catalog and stock by themselves, and as of when each offer was told and counted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0010'
down_revision: str | None = '0009'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('offers', sa.Column('told_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.add_column('stock', sa.Column('counted_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.create_table('feeds',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=True),
    sa.Column('rows_told', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('absent', sa.Integer(), server_default='0', nullable=False),
    sa.CheckConstraint("kind IN ('catalog','delta','levels')", name=op.f('ck_feeds_kind')),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_feeds_vendor')),
    sa.PrimaryKeyConstraint('vendor', 'id', name=op.f('pk_feeds'))
    )
    op.create_index('ix_feeds_vendor_begun_at', 'feeds', ['vendor', 'begun_at', 'id'], unique=False)
    op.create_index('ix_feeds_begun_at', 'feeds', ['begun_at'], unique=False)
    op.create_table('feed_pages',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('feed_id', sa.Text(collation='C'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('heard_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('created', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.Column('stale', sa.Integer(), nullable=False),
    sa.Column('withdrawn', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('unnamed', sa.Integer(), nullable=False),
    sa.Column('skus', postgresql.ARRAY(sa.Text(collation='C')), nullable=False),
    sa.PrimaryKeyConstraint('vendor', 'feed_id', 'number', name=op.f('pk_feed_pages'))
    )
    op.create_index('ix_feed_pages_heard_at', 'feed_pages', ['heard_at'], unique=False)
    op.create_table('feed_errors',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('feed_id', sa.Text(collation='C'), nullable=False),
    sa.Column('page', sa.Integer(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=True),
    sa.Column('problem', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('vendor', 'feed_id', 'page', 'row', name=op.f('pk_feed_errors'))
    )


def downgrade() -> None:
    op.drop_table('feed_errors')
    op.drop_table('feed_pages')
    op.drop_table('feeds')
    op.drop_column('stock', 'counted_at')
    op.drop_column('offers', 'told_at')
