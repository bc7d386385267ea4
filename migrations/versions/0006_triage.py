"""triage: dead letters with lives, plans that replay them, quarantines, rules, the audit log."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0006'
down_revision: str | None = '0005'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('audit_log',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('subject_id', sa.Text(collation='C'), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('who', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), server_default='', nullable=False),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('correlation_id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit_log'))
    )
    op.create_index('ix_audit_log_subject_id_seq', 'audit_log', ['subject_id', 'seq'], unique=False)
    op.create_table('quarantines',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("what IN ('fingerprint','target','kind')", name=op.f('ck_quarantines_what')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantines'))
    )
    op.create_index('ix_quarantines_standing', 'quarantines', ['what', 'value'], unique=False, postgresql_where=sa.text('lifted_at IS NULL'))
    op.create_table('replay_plans',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('state', sa.Text(), server_default='previewed', nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('rule_id', sa.Text(collation='C'), nullable=True),
    sa.Column('filter', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('at_risk', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('canary', sa.Integer(), nullable=False),
    sa.Column('rate', sa.Float(), nullable=False),
    sa.Column('failures_max', sa.Integer(), nullable=False),
    sa.Column('canary_until', sa.Integer(), nullable=False),
    sa.Column('forgiven', sa.Integer(), server_default='0', nullable=False),
    sa.Column('batch', sa.Integer(), server_default='1', nullable=False),
    sa.Column('held', sa.Text(), server_default='', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('previewed','running','paused','done','aborted')", name=op.f('ck_replay_plans_state')),
    sa.CheckConstraint('canary >= 1 AND rate > 0 AND failures_max >= 0', name=op.f('ck_replay_plans_bounds')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replay_plans'))
    )
    op.create_index('ix_replay_plans_due_at', 'replay_plans', ['due_at'], unique=False, postgresql_where=sa.text("state = 'running'"))
    op.create_table('replay_rules',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('target', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('letter_reason', sa.Text(), nullable=True),
    sa.Column('canary', sa.Integer(), nullable=False),
    sa.Column('rate', sa.Float(), nullable=False),
    sa.Column('most', sa.Integer(), nullable=False),
    sa.Column('tries_max', sa.Integer(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_by', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replay_rules'))
    )
    op.create_table('step_failures',
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('step_id', sa.Text(collation='C'), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_step_failures'))
    )
    op.create_index('ix_step_failures_at', 'step_failures', ['at'], unique=False, postgresql_using='brin')
    op.create_index('ix_step_failures_step_id', 'step_failures', ['step_id', 'at'], unique=False)
    op.create_table('replay_items',
    sa.Column('plan_id', sa.Text(collation='C'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('letter_id', sa.Text(collation='C'), nullable=False),
    sa.Column('letter_version', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), server_default='waiting', nullable=False),
    sa.Column('why', sa.Text(), server_default='', nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting','sent','ok','failed','skipped')", name=op.f('ck_replay_items_state')),
    sa.ForeignKeyConstraint(['plan_id'], ['replay_plans.id'], name=op.f('fk_replay_items_plan_id')),
    sa.PrimaryKeyConstraint('plan_id', 'number', name=op.f('pk_replay_items')),
    postgresql_with={'fillfactor': '70'}
    )
    op.create_index('ix_replay_items_letter_id', 'replay_items', ['letter_id'], unique=False)
    op.create_index('ix_replay_items_open', 'replay_items', ['plan_id', 'state', 'number'], unique=False, postgresql_where=sa.text("state IN ('waiting','sent')"))
    op.add_column('dead_letters', sa.Column('subject_id', sa.Text(collation='C'), nullable=True))
    op.add_column('dead_letters', sa.Column('original', sa.Text(), nullable=True))
    op.add_column('dead_letters', sa.Column('breakers', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column('dead_letters', sa.Column('at_risk', sa.BigInteger(), nullable=True))
    op.add_column('dead_letters', sa.Column('currency', sa.Text(), nullable=True))
    op.add_column('dead_letters', sa.Column('version', sa.Integer(), server_default='1', nullable=False))
    op.add_column('dead_letters', sa.Column('times', sa.Integer(), server_default='1', nullable=False))
    op.add_column('dead_letters', sa.Column('tries', sa.Integer(), server_default='0', nullable=False))
    op.add_column('dead_letters', sa.Column('assignee', sa.Text(), nullable=True))
    op.add_column('dead_letters', sa.Column('resolution', sa.Text(), nullable=True))
    op.add_column('dead_letters', sa.Column('last_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.add_column('dead_letters', sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True))
    op.drop_index(op.f('ix_dead_letters_fingerprint'), table_name='dead_letters')
    op.create_index('ix_dead_letters_groups', 'dead_letters', ['fingerprint', 'currency', 'id'], unique=False, postgresql_include=['target', 'kind', 'reason', 'created_at', 'last_at', 'at_risk'], postgresql_where=sa.text("state IN ('open','replaying')"))
    op.create_index('ix_dead_letters_replaying', 'dead_letters', ['id'], unique=False, postgresql_where=sa.text("state = 'replaying'"))
    op.create_index('ix_dead_letters_target_id', 'dead_letters', ['target', 'id'], unique=False)
    op.create_check_constraint(op.f('ck_dead_letters_state'), 'dead_letters', "state IN ('open','replaying','resolved','discarded','compensated')")
    op.create_check_constraint(op.f('ck_dead_letters_at_risk'), 'dead_letters', '(at_risk IS NULL) = (currency IS NULL)')
    op.add_column('vendor_liveness', sa.Column('closed_at', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.execute("CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute("CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    op.drop_column('vendor_liveness', 'closed_at')
    op.drop_constraint(op.f('ck_dead_letters_at_risk'), 'dead_letters', type_='check')
    op.drop_constraint(op.f('ck_dead_letters_state'), 'dead_letters', type_='check')
    op.drop_index('ix_dead_letters_target_id', table_name='dead_letters')
    op.drop_index('ix_dead_letters_replaying', table_name='dead_letters', postgresql_where=sa.text("state = 'replaying'"))
    op.drop_index('ix_dead_letters_groups', table_name='dead_letters', postgresql_where=sa.text("state IN ('open','replaying')"))
    op.create_index(op.f('ix_dead_letters_fingerprint'), 'dead_letters', ['fingerprint'], unique=False)
    op.drop_column('dead_letters', 'ended_at')
    op.drop_column('dead_letters', 'last_at')
    op.drop_column('dead_letters', 'resolution')
    op.drop_column('dead_letters', 'assignee')
    op.drop_column('dead_letters', 'tries')
    op.drop_column('dead_letters', 'times')
    op.drop_column('dead_letters', 'version')
    op.drop_column('dead_letters', 'currency')
    op.drop_column('dead_letters', 'at_risk')
    op.drop_column('dead_letters', 'breakers')
    op.drop_column('dead_letters', 'original')
    op.drop_column('dead_letters', 'subject_id')
    op.drop_index('ix_replay_items_open', table_name='replay_items', postgresql_where=sa.text("state IN ('waiting','sent')"))
    op.drop_index('ix_replay_items_letter_id', table_name='replay_items')
    op.drop_table('replay_items')
    op.drop_index('ix_step_failures_step_id', table_name='step_failures')
    op.drop_index('ix_step_failures_at', table_name='step_failures', postgresql_using='brin')
    op.drop_table('step_failures')
    op.drop_table('replay_rules')
    op.drop_index('ix_replay_plans_due_at', table_name='replay_plans', postgresql_where=sa.text("state = 'running'"))
    op.drop_table('replay_plans')
    op.drop_index('ix_quarantines_standing', table_name='quarantines', postgresql_where=sa.text('lifted_at IS NULL'))
    op.drop_table('quarantines')
    op.drop_index('ix_audit_log_subject_id_seq', table_name='audit_log')
    op.drop_table('audit_log')
