"""onboarding: vendors' way in and out, their keys, and attempts at what is not theirs."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0008'
down_revision: str | None = '0007'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATES = "state IN ('invited','onboarding','in_review','active','suspended','closing','closed')"
STATES_BEFORE = "state IN ('active','suspended','closed')"


def upgrade() -> None:
    op.drop_constraint(op.f('ck_vendors_state'), 'vendors', type_='check')
    op.create_check_constraint(op.f('ck_vendors_state'), 'vendors', STATES)
    op.alter_column('vendors', 'state', server_default='invited')
    op.add_column('vendors', sa.Column('vacation_from', sa.DateTime(timezone=True), nullable=True))
    op.add_column('vendors', sa.Column('vacation_until', sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f('ck_vendors_vacation'), 'vendors', 'vacation_from < vacation_until')
    op.create_table('vendor_nkeys',
    sa.Column('nkey', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_vendor_nkeys_vendor')),
    sa.PrimaryKeyConstraint('nkey', name=op.f('pk_vendor_nkeys'))
    )
    op.create_index(op.f('ix_vendor_nkeys_vendor'), 'vendor_nkeys', ['vendor'], unique=False)
    op.execute("""
        INSERT INTO vendor_nkeys (nkey, vendor, created_at) SELECT nkey_public, code, created_at FROM vendors
        WHERE nkey_public IS NOT NULL AND state <> 'closed' ORDER BY code ON CONFLICT DO NOTHING
    """)
    op.add_column('api_keys', sa.Column('name', sa.Text(), server_default='', nullable=False))
    op.add_column('api_keys', sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_api_keys_subject', 'api_keys', ['kind', 'subject'], unique=False)
    op.create_table('vendor_invitations',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('email', sa.Text(), server_default='', nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('accepted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_vendor_invitations_vendor')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vendor_invitations')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_vendor_invitations_token_hash'))
    )
    op.create_index(op.f('ix_vendor_invitations_vendor'), 'vendor_invitations', ['vendor'], unique=False)
    op.create_table('vendor_requirements',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('name', sa.Text(collation='C'), nullable=False),
    sa.Column('given', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('given_by', sa.Text(), server_default='', nullable=False),
    sa.Column('refusal', sa.Text(), server_default='', nullable=False),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_vendor_requirements_vendor')),
    sa.PrimaryKeyConstraint('vendor', 'name', name=op.f('pk_vendor_requirements'))
    )
    op.create_table('vendor_certificates',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('digest', sa.Text(collation='C'), nullable=False),
    sa.Column('adapter', sa.Text(), nullable=False),
    sa.Column('sdk_version', sa.Text(), nullable=False),
    sa.Column('levels', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('report', sa.LargeBinary(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['vendor'], ['vendors.code'], name=op.f('fk_vendor_certificates_vendor')),
    sa.PrimaryKeyConstraint('vendor', 'digest', name=op.f('pk_vendor_certificates'))
    )
    op.create_table('trespasses',
    sa.Column('who', sa.Text(collation='C'), nullable=False),
    sa.Column('what', sa.Text(collation='C'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('latest', sa.Text(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('who', 'what', 'day', name=op.f('pk_trespasses'))
    )


def downgrade() -> None:
    op.drop_table('trespasses')
    op.drop_table('vendor_certificates')
    op.drop_table('vendor_requirements')
    op.drop_index(op.f('ix_vendor_invitations_vendor'), table_name='vendor_invitations')
    op.drop_table('vendor_invitations')
    op.drop_index('ix_api_keys_subject', table_name='api_keys')
    op.drop_column('api_keys', 'expires_at')
    op.drop_column('api_keys', 'name')
    op.drop_index(op.f('ix_vendor_nkeys_vendor'), table_name='vendor_nkeys')
    op.drop_table('vendor_nkeys')
    op.drop_constraint(op.f('ck_vendors_vacation'), 'vendors', type_='check')
    op.drop_column('vendors', 'vacation_until')
    op.drop_column('vendors', 'vacation_from')
    op.execute("UPDATE vendors SET state = CASE WHEN state IN ('active','suspended','closed') THEN state ELSE 'suspended' END")
    op.alter_column('vendors', 'state', server_default='active')
    op.drop_constraint(op.f('ck_vendors_state'), 'vendors', type_='check')
    op.create_check_constraint(op.f('ck_vendors_state'), 'vendors', STATES_BEFORE)
