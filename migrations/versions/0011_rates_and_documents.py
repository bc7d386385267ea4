"""rates and documents: as of when shipping options were told, a feed of them, and papers of what is shipped or comes back."""

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
    op.create_table('documents',
    sa.Column('subject_id', sa.Text(collation='C'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sub_order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind IN ('label','packing_slip','invoice','customs','return_label','other')", name=op.f('ck_documents_kind')),
    sa.CheckConstraint("url ~ '^https://'", name=op.f('ck_documents_url')),
    sa.ForeignKeyConstraint(['sub_order_id'], ['sub_orders.id'], name=op.f('fk_documents_sub_order_id')),
    sa.PrimaryKeyConstraint('subject_id', 'position', name=op.f('pk_documents'))
    )
    op.create_index(op.f('ix_documents_sub_order_id'), 'documents', ['sub_order_id'], unique=False)


def downgrade() -> None:
    op.drop_table('documents')
    op.execute("UPDATE feeds SET kind = 'levels' WHERE kind = 'rates'")
    op.drop_constraint(op.f('ck_feeds_kind'), 'feeds')
    op.create_check_constraint(op.f('ck_feeds_kind'), 'feeds', "kind IN ('catalog','delta','levels')")
    op.drop_column('vendor_shipping_options', 'told_at')
