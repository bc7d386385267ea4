"""money: discounts, commission and refunds by piece."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


SHARES = ("vendor_discount", "platform_discount", "commission", "commission_tax", "kept", "kept_tax", "refunded")


def upgrade() -> None:
    sale()
    ways_to_pay()
    kinds_of_transfers()
    refunds_in_parts()
    reversals_and_disputes()
    books()
    vendors_money()
    reconciliation()
    told_by_providers()
    bank_transfers()


def downgrade() -> None:
    no_bank_transfers()
    nothing_told_by_providers()
    no_reconciliation()
    no_vendors_money()
    no_books()
    no_reversals_and_disputes()
    no_refunds_in_parts()
    no_kinds_of_transfers()
    no_ways_to_pay()
    no_sale()


def sale() -> None:
    """What is frozen at the sale: on lines, on sub-orders, and which coupon was used."""
    op.create_table('coupon_uses',
    sa.Column('order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(collation='C'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('order_id', 'code', name=op.f('pk_coupon_uses'))
    )
    op.create_index('ix_coupon_uses_code_customer_id', 'coupon_uses', ['code', 'customer_id'], unique=False)

    op.add_column('lines', sa.Column('category', sa.Text(), server_default='', nullable=False))
    for name in SHARES:
        op.add_column('lines', sa.Column(name, sa.BigInteger(), server_default='0', nullable=False))
        op.add_column('sub_orders', sa.Column(f'shipping_{name}', sa.BigInteger(), server_default='0', nullable=False))
    for name in ('discount', 'platform_discount', 'commission_tax'):
        op.add_column('sub_orders', sa.Column(name, sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('sub_orders', sa.Column('commission_items', postgresql.JSONB(), server_default='[]', nullable=False))
    op.add_column('sub_orders', sa.Column('vendor_country', sa.Text(), server_default='', nullable=False))
    op.add_column('sub_orders', sa.Column('vendor_bps', sa.Integer(), nullable=True))
    op.execute(COUNTRY_NOW)
    op.execute(CATEGORY_NOW)
    op.execute(COMMISSION_BY_LINE)
    op.execute(ITEMS_OF_OLD_RULES)
    op.drop_column('sub_orders', 'commission_rule')
    op.drop_constraint('ck_sub_orders_total', 'sub_orders')
    op.drop_constraint('ck_sub_orders_commission', 'sub_orders')
    op.create_check_constraint(op.f('ck_sub_orders_total'), 'sub_orders', 'total = goods_total + shipping_price - discount')
    op.create_check_constraint(
        op.f('ck_sub_orders_commission'),
        'sub_orders',
        'least(commission, commission_tax) >= 0 AND commission + commission_tax <= total + platform_discount',
    )
    op.create_check_constraint(op.f('ck_sub_orders_discount'), 'sub_orders', 'platform_discount BETWEEN 0 AND discount')
    op.create_check_constraint(op.f('ck_sub_orders_shipping'), 'sub_orders', piece('shipping_price', 'shipping_'))
    op.create_check_constraint(op.f('ck_lines_shares'), 'lines', piece('unit_price * quantity', ''))


def no_sale() -> None:
    op.drop_constraint('ck_lines_shares', 'lines')
    for name in ('shipping', 'discount', 'commission', 'total'):
        op.drop_constraint(f'ck_sub_orders_{name}', 'sub_orders')
    op.add_column('sub_orders', sa.Column('commission_rule', sa.Text(), server_default='', nullable=False))
    op.execute("UPDATE sub_orders SET commission_rule = coalesce(commission_items -> 0 ->> 'rule', '')")
    op.execute("UPDATE sub_orders SET shipping_price = least(shipping_price, total), commission = least(commission, total)")
    op.execute("UPDATE sub_orders SET goods_total = total - shipping_price")
    op.alter_column('sub_orders', 'commission_rule', server_default=None)
    for name in ('vendor_bps', 'vendor_country', 'commission_items', 'commission_tax', 'platform_discount', 'discount'):
        op.drop_column('sub_orders', name)
    for name in SHARES:
        op.drop_column('sub_orders', f'shipping_{name}')
        op.drop_column('lines', name)
    op.drop_column('lines', 'category')
    op.create_check_constraint(op.f('ck_sub_orders_total'), 'sub_orders', 'total = goods_total + shipping_price')
    op.create_check_constraint(op.f('ck_sub_orders_commission'), 'sub_orders', 'commission BETWEEN 0 AND total')
    op.drop_index('ix_coupon_uses_code_customer_id', table_name='coupon_uses')
    op.drop_table('coupon_uses')


def piece(price: str, prefix: str) -> str:
    """What must hold of a piece (a line, or a part's shipping)."""
    vendor, platform, commission, tax, kept, kept_tax, refunded = (prefix + name for name in SHARES)
    gross = f"{price} - {vendor}"
    least = f"least({vendor}, {platform}, {commission}, {tax}, {kept}, {kept_tax}, {refunded})"
    return f"{least} >= 0 AND greatest({platform}, {commission} + {tax} + {kept} + {kept_tax}, {refunded}) <= {gross}"


COUNTRY_NOW = "UPDATE sub_orders s SET vendor_country = v.country FROM vendors v WHERE v.code = s.vendor"
CATEGORY_NOW = """
    UPDATE lines l SET category = p.category FROM offers o JOIN variants w ON w.id = o.variant_id JOIN products p ON p.id = w.product_id
    WHERE o.id = l.offer_id
"""
"""What was not frozen, as it is today."""

COMMISSION_BY_LINE = """
    UPDATE lines l SET commission = cents.whole + (cents.place <= cents.missing)::int
    FROM (
        SELECT id, whole, row_number() OVER (PARTITION BY sub_order_id ORDER BY rest DESC, id) AS place,
               commission - sum(whole) OVER (PARTITION BY sub_order_id) AS missing
        FROM (
            SELECT l.id, l.sub_order_id, s.commission,
                   div(s.commission::numeric * l.unit_price * l.quantity, s.goods_total) AS whole,
                   mod(s.commission::numeric * l.unit_price * l.quantity, s.goods_total) AS rest
            FROM lines l JOIN sub_orders s ON s.id = l.sub_order_id WHERE s.goods_total > 0
        ) AS divided
    ) AS cents
    WHERE l.id = cents.id
"""
"""Commission was frozen per sub-order, of its goods: it is split over the lines by largest remainder."""

ITEMS_OF_OLD_RULES = """
    UPDATE sub_orders s SET commission_items = (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'piece', l.id, 'rule', s.commission_rule, 'group', 'commission', 'per', 'part', 'base', l.unit_price * l.quantity,
            'computed', l.commission, 'charged', l.commission, 'why', 'frozen before rules were explained'
        ) ORDER BY l.id), '[]')
        FROM lines l WHERE l.sub_order_id = s.id
    )
"""


REFUND_SUMS = ('discount', 'share', 'commission', 'tax', 'from_held', 'from_reserve', 'from_reversal', 'from_debt')


def ways_to_pay() -> None:
    """Several payments an order, and customers whose methods a provider keeps."""
    op.drop_constraint('uq_payments_order_id', 'payments')
    op.create_index(op.f('ix_payments_order_id'), 'payments', ['order_id'], unique=False)
    op.add_column('payments', sa.Column('action', postgresql.JSONB(), nullable=True))
    op.add_column('payments', sa.Column('customer_id', sa.Text(collation='C'), nullable=True))
    op.add_column('payments', sa.Column('payer', sa.Text(), nullable=True))
    op.create_table('provider_customers',
    sa.Column('customer_id', sa.Text(collation='C'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_provider_customers_customer_id')),
    sa.PrimaryKeyConstraint('customer_id', 'gateway', name=op.f('pk_provider_customers'))
    )
    for name in ('save', 'replaced', 'disputed'):
        op.add_column('payments', sa.Column(name, sa.Boolean(), server_default='false', nullable=False))
    op.create_index('uq_payments_order_id_current', 'payments', ['order_id'], unique=True, postgresql_where=sa.text('NOT replaced'))


def kinds_of_transfers() -> None:
    """Of shares, of reserves, of credits."""
    op.drop_constraint('uq_transfers_sub_order_id', 'transfers')
    op.alter_column('transfers', 'order_id', nullable=True)
    op.alter_column('transfers', 'sub_order_id', nullable=True)
    op.add_column('transfers', sa.Column('kind', sa.Text(), server_default='share', nullable=False))
    op.add_column('transfers', sa.Column('saga_id', sa.Text(collation='C'), nullable=True))
    op.execute('UPDATE transfers SET saga_id = order_id')
    op.alter_column('transfers', 'saga_id', nullable=False)
    op.add_column('transfers', sa.Column('gateway', sa.Text(), server_default='stripe', nullable=False))
    op.add_column('transfers', sa.Column('account', sa.Text(), nullable=True))
    op.add_column('transfers', sa.Column('charge', sa.Text(), nullable=True))
    for name in ('reversed', 'netted'):
        op.add_column('transfers', sa.Column(name, sa.BigInteger(), server_default='0', nullable=False))
    op.create_check_constraint(op.f('ck_transfers_reversed'), 'transfers', 'reversed BETWEEN 0 AND amount')
    op.create_check_constraint(op.f('ck_transfers_kind'), 'transfers', "kind IN ('share','reserve','credit')")
    op.create_check_constraint(op.f('ck_transfers_order'), 'transfers', "(kind = 'credit') = (order_id IS NULL)")
    op.create_index('uq_transfers_sub_order_id_kind', 'transfers', ['sub_order_id', 'kind'], unique=True,
        postgresql_where=sa.text("kind <> 'credit'"))
    for statement in HOLDS_ARE_RELEASED_FIRST:
        op.execute(statement)


def refunds_in_parts() -> None:
    """By piece, and who bears them."""
    op.drop_constraint('uq_refunds_sub_order_id', 'refunds')
    op.create_index(op.f('ix_refunds_sub_order_id'), 'refunds', ['sub_order_id'], unique=False)
    op.drop_constraint('ck_refunds_amount', 'refunds')
    op.create_check_constraint(op.f('ck_refunds_amount'), 'refunds', 'amount >= 0')
    op.add_column('refunds', sa.Column('kind', sa.Text(), server_default='refund', nullable=False))
    op.add_column('refunds', sa.Column('dispute_id', sa.Text(collation='C'), nullable=True))
    op.add_column('refunds', sa.Column('vendor', sa.Text(), nullable=True))
    for name in REFUND_SUMS:
        op.add_column('refunds', sa.Column(name, sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('refunds', sa.Column('items', postgresql.JSONB(), server_default='[]', nullable=False))
    for name in ('reason', 'requested_by'):
        op.add_column('refunds', sa.Column(name, sa.Text(), server_default='', nullable=False))
    for statement in WHOLE_REFUNDS:
        op.execute(statement)
    op.alter_column('refunds', 'vendor', nullable=False)
    op.create_check_constraint(op.f('ck_refunds_adds_up'), 'refunds', 'amount + discount = share + commission + tax')
    op.create_check_constraint(op.f('ck_refunds_kind'), 'refunds', "kind IN ('refund','dispute')")
    op.create_check_constraint(op.f('ck_refunds_dispute'), 'refunds', "(kind = 'dispute') = (dispute_id IS NOT NULL)")
    op.create_index('ix_refunds_vendor_id', 'refunds', ['vendor', 'id'], unique=False)


def reversals_and_disputes() -> None:
    """What is taken back from vendors, and what buyers' banks take."""
    op.create_table('reversals',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('refund_id', sa.Text(collation='C'), nullable=False),
    sa.Column('transfer_id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_reversals_amount')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_reversals_refund_id')),
    sa.ForeignKeyConstraint(['transfer_id'], ['transfers.id'], name=op.f('fk_reversals_transfer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reversals')),
    sa.UniqueConstraint('reference', name=op.f('uq_reversals_reference'))
    )
    for name in ('order_id', 'refund_id', 'transfer_id', 'vendor'):
        op.create_index(op.f(f'ix_reversals_{name}'), 'reversals', [name], unique=False)
    op.create_table('disputes',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('payment_id', sa.Text(collation='C'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('evidence_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_disputes_amount')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_disputes_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disputes'))
    )
    for name in ('order_id', 'payment_id'):
        op.create_index(op.f(f'ix_disputes_{name}'), 'disputes', [name], unique=False)
    op.create_index('uq_disputes_gateway_reference', 'disputes', ['gateway', 'reference'], unique=True)


def no_reversals_and_disputes() -> None:
    op.drop_table('disputes')
    op.drop_table('reversals')


def no_refunds_in_parts() -> None:
    op.drop_index('ix_refunds_vendor_id', table_name='refunds')
    for name in ('dispute', 'kind', 'adds_up', 'amount'):
        op.drop_constraint(f'ck_refunds_{name}', 'refunds')
    op.execute('DELETE FROM refunds r USING refunds o WHERE r.sub_order_id = o.sub_order_id AND r.id > o.id OR r.amount = 0')
    for name in ('kind', 'dispute_id', 'vendor', *REFUND_SUMS, 'items', 'reason', 'requested_by'):
        op.drop_column('refunds', name)
    op.create_check_constraint(op.f('ck_refunds_amount'), 'refunds', 'amount > 0')
    op.drop_index('ix_refunds_sub_order_id', table_name='refunds')
    op.create_unique_constraint(op.f('uq_refunds_sub_order_id'), 'refunds', ['sub_order_id'])


def no_kinds_of_transfers() -> None:
    op.drop_index('uq_transfers_sub_order_id_kind', table_name='transfers')
    op.execute("DELETE FROM transfers WHERE kind <> 'share'")
    for name in ('order', 'kind', 'reversed'):
        op.drop_constraint(f'ck_transfers_{name}', 'transfers')
    for name in ('kind', 'saga_id', 'gateway', 'account', 'charge', 'reversed', 'netted'):
        op.drop_column('transfers', name)
    for name in ('order_id', 'sub_order_id'):
        op.alter_column('transfers', name, nullable=False)
    op.create_unique_constraint(op.f('uq_transfers_sub_order_id'), 'transfers', ['sub_order_id'])


def no_ways_to_pay() -> None:
    op.drop_index('uq_payments_order_id_current', table_name='payments')
    op.execute('DELETE FROM payments WHERE replaced')
    op.drop_table('provider_customers')
    for name in ('action', 'customer_id', 'payer', 'save', 'replaced', 'disputed'):
        op.drop_column('payments', name)
    op.drop_index('ix_payments_order_id', table_name='payments')
    op.create_unique_constraint(op.f('uq_payments_order_id'), 'payments', ['order_id'])


HOLDS_ARE_RELEASED_FIRST = (
    "UPDATE steps SET kind = 'payout.release' WHERE kind = 'payout.transfer' AND state = 'open' AND attempt = 0",
    """
    UPDATE transfers t SET amount = 0 WHERE t.state = 'held'
    AND EXISTS (SELECT FROM steps s WHERE s.subject_id = t.id AND s.kind = 'payout.release' AND s.state = 'open')
    """,
    "UPDATE transfers SET state = 'sending' WHERE state = 'held' AND amount > 0",
    """
    UPDATE transfers t SET account = v.connected_account, charge = p.charge FROM vendors v, payments p
    WHERE v.code = t.vendor AND p.order_id = t.order_id AND t.amount > 0
    """,
    """
    UPDATE steps s SET payload = jsonb_build_object(
        'gateway', t.gateway, 'account', t.account, 'charge', t.charge, 'amount', t.amount, 'currency', t.currency)
    FROM transfers t WHERE t.id = s.subject_id AND s.kind = 'payout.transfer' AND s.state = 'open'
    """,
)
"""A transfer was written when its hold began; now its amount is known when the hold ends. What may have been sent goes on as it was."""

WHOLE_REFUNDS = (
    """
    UPDATE refunds r SET vendor = s.vendor, commission = s.commission, share = r.amount - s.commission, from_held = r.amount - s.commission
    FROM sub_orders s WHERE s.id = r.sub_order_id
    """,
    "UPDATE refunds SET state = 'sending' WHERE state = 'pending'",
    """
    UPDATE lines l SET refunded = l.unit_price * l.quantity - l.vendor_discount FROM refunds r WHERE r.sub_order_id = l.sub_order_id
    """,
    "UPDATE sub_orders s SET shipping_refunded = s.shipping_price FROM refunds r WHERE r.sub_order_id = s.id",
    """
    UPDATE steps s SET payload = jsonb_build_object('gateway', 'stripe', 'charge', p.charge, 'amount', r.amount, 'currency', r.currency)
    FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = s.subject_id AND s.kind = 'payment.refund' AND s.state = 'open'
    """,
)
"""Until now a refund was of a whole sub-order, out of its hold. One under way was not gathered yet: see `GATHER_WHOLE_REFUNDS`."""


GATHER_WHOLE_REFUNDS = (
    """
    INSERT INTO ledger_transactions (id, kind, order_id, cause, vendor)
    SELECT 'txn_' || gen_random_uuid(), 'gather', order_id, id, vendor FROM refunds WHERE state = 'sending'
    """,
    """
    INSERT INTO ledger_postings (transaction_id, source, destination, amount, currency)
    SELECT t.id, moves.source, 'refund:' || r.id, moves.amount, r.currency
    FROM refunds r JOIN ledger_transactions t ON t.kind = 'gather' AND t.cause = r.id
    CROSS JOIN LATERAL (VALUES ('held:' || r.vendor || ':' || r.sub_order_id, r.share), ('commission', r.commission)) moves(source, amount)
    WHERE r.state = 'sending' AND moves.amount > 0
    """,
)


def books() -> None:
    """Balances kept by PostgreSQL itself, and whose the money of a transaction is."""
    op.alter_column('ledger_transactions', 'order_id', nullable=True)
    op.add_column('ledger_transactions', sa.Column('vendor', sa.Text(), nullable=True))
    op.add_column('ledger_transactions', sa.Column('reference', sa.Text(), nullable=True))
    op.create_index('ix_ledger_transactions_at_id', 'ledger_transactions', ['at', 'id'], unique=False)
    for name in ('vendor', 'reference'):
        where = sa.text(f'{name} IS NOT NULL')
        op.create_index(f'ix_ledger_transactions_{name}', 'ledger_transactions', [name], unique=False, postgresql_where=where)
    for name in ('source', 'destination'):
        op.create_index(f'ix_ledger_postings_{name}_id', 'ledger_postings', [name, 'id'], unique=False)
        op.drop_index(f'ix_ledger_postings_{name}', table_name='ledger_postings')
    op.create_table('ledger_balances',
    sa.Column('account', sa.Text(collation='C'), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('balance', sa.BigInteger(), nullable=False),
    sa.CheckConstraint(
        "balance >= 0 OR split_part(account, ':', 1) NOT IN ('order', 'receipts', 'held', 'reserve', 'refund')",
        name=op.f('ck_ledger_balances_never_negative')
    ),
    sa.PrimaryKeyConstraint('account', 'currency', name=op.f('pk_ledger_balances')),
    postgresql_with={'fillfactor': '70'}
    )
    op.create_index('ix_timeline_at', 'timeline', ['at'], unique=False, postgresql_using='brin')
    op.execute('ALTER TABLE ledger_transactions DISABLE TRIGGER append_only')
    op.execute(WHOSE_TRANSFERS)
    op.execute('ALTER TABLE ledger_transactions ENABLE TRIGGER append_only')
    rename_clearing('clearing', 'clearing:stripe', 'renamed')
    for statement in GATHER_WHOLE_REFUNDS:
        op.execute(statement)
    op.execute(BALANCES_NOW)
    for function in (KEEP_BALANCES, ONLY_BY_POSTING, ALLOCATED_WHOLLY):
        op.execute(function)
    for trigger in BOOK_TRIGGERS:
        op.execute(trigger)


def no_books() -> None:
    for name, table in (('allocated_wholly', 'ledger_transactions'), ('keep_balances', 'ledger_postings')):
        op.execute(f'DROP TRIGGER {name} ON {table}')
    op.drop_table('ledger_balances')
    for function in ('keep_balances', 'only_by_posting', 'allocated_wholly'):
        op.execute(f'DROP FUNCTION {function}()')
    rename_clearing('clearing:stripe', 'clearing', 'renamed_back')
    op.drop_index('ix_timeline_at', table_name='timeline', postgresql_using='brin')
    for name in ('source', 'destination'):
        op.create_index(op.f(f'ix_ledger_postings_{name}'), 'ledger_postings', [name], unique=False)
        op.drop_index(f'ix_ledger_postings_{name}_id', table_name='ledger_postings')
    for name in ('reference', 'vendor'):
        op.drop_index(f'ix_ledger_transactions_{name}', table_name='ledger_transactions')
        op.drop_column('ledger_transactions', name)
    op.drop_index('ix_ledger_transactions_at_id', table_name='ledger_transactions')
    op.execute('ALTER TABLE ledger_transactions DISABLE TRIGGER append_only')
    op.execute('UPDATE ledger_transactions SET order_id = cause WHERE order_id IS NULL')
    op.execute('ALTER TABLE ledger_transactions ENABLE TRIGGER append_only')
    op.alter_column('ledger_transactions', 'order_id', nullable=False)


def rename_clearing(old: str, new: str, kind: str) -> None:
    """The books are never edited: what lies on the old account is moved to the new one."""
    op.execute(f"""
        WITH moved AS (
            SELECT currency, sum(amount) AS amount FROM (
                SELECT currency, amount FROM ledger_postings WHERE destination = '{old}'
                UNION ALL SELECT currency, -amount FROM ledger_postings WHERE source = '{old}'
            ) moves GROUP BY currency HAVING sum(amount) <> 0
        ), told AS (
            INSERT INTO ledger_transactions (id, kind, order_id, cause)
            SELECT 'txn_' || gen_random_uuid(), '{kind}', NULL, '0002:' || gen_random_uuid() FROM moved LIMIT 1 RETURNING id
        )
        INSERT INTO ledger_postings (transaction_id, source, destination, amount, currency)
        SELECT told.id, CASE WHEN amount < 0 THEN '{new}' ELSE '{old}' END, CASE WHEN amount < 0 THEN '{old}' ELSE '{new}' END,
            abs(amount), currency
        FROM moved, told
    """)


WHOSE_TRANSFERS = """
    UPDATE ledger_transactions t SET vendor = f.vendor, reference = f.reference
    FROM steps s JOIN transfers f ON f.id = s.subject_id WHERE s.id = t.cause AND t.kind = 'transfer'
"""

BALANCES_NOW = """
    INSERT INTO ledger_balances (account, currency, balance)
    SELECT account, currency, sum(amount) FROM (
        SELECT destination AS account, currency, amount FROM ledger_postings
        UNION ALL SELECT source, currency, -amount FROM ledger_postings
    ) moves
    WHERE account LIKE '%:%' AND account NOT LIKE 'clearing:%' GROUP BY account, currency
"""

KEEP_BALANCES = """
    CREATE FUNCTION keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        change record;
    BEGIN
        -- In the order of their names, so that two transactions never wait for each other here.
        FOR change IN
            SELECT account, currency, sum(amount)::bigint AS amount FROM (
                SELECT destination AS account, currency, amount FROM posted
                UNION ALL SELECT source, currency, -amount FROM posted
            ) moves
            WHERE account LIKE '%:%' AND account NOT LIKE 'clearing:%'
            GROUP BY account, currency ORDER BY account, currency
        LOOP
            UPDATE ledger_balances SET balance = balance + change.amount
            WHERE account = change.account AND currency = change.currency;
            IF NOT FOUND THEN
                INSERT INTO ledger_balances AS kept (account, currency, balance)
                VALUES (change.account, change.currency, change.amount)
                ON CONFLICT (account, currency) DO UPDATE SET balance = kept.balance + excluded.balance;
            END IF;
        END LOOP;
        RETURN NULL;
    END $$
"""

ONLY_BY_POSTING = """
    CREATE FUNCTION only_by_posting() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION '% is kept by postings alone', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$
"""

ALLOCATED_WHOLLY = """
    CREATE FUNCTION allocated_wholly() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM ledger_balances WHERE account = 'order:' || NEW.order_id AND balance <> 0) THEN
            RAISE EXCEPTION 'what was captured for % is not wholly shared out', NEW.order_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$
"""

BOOK_TRIGGERS = (
    """CREATE TRIGGER keep_balances AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS posted
       FOR EACH STATEMENT EXECUTE FUNCTION keep_balances()""",
    """CREATE TRIGGER only_by_posting BEFORE INSERT OR UPDATE ON ledger_balances
       FOR EACH ROW EXECUTE FUNCTION only_by_posting()""",
    "CREATE TRIGGER never_deleted BEFORE DELETE ON ledger_balances FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_balances FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    """CREATE CONSTRAINT TRIGGER allocated_wholly AFTER INSERT ON ledger_transactions DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW WHEN (NEW.kind = 'allocate') EXECUTE FUNCTION allocated_wholly()""",
)


VENDOR_TERMS = {
    "reserve_bps": sa.Integer(),
    "reserve_seconds": sa.Integer(),
    "payout_interval": sa.Text(),
    "payout_day": sa.Integer(),
    "payout_minimum": sa.BigInteger(),
    "bears_disputes": sa.Boolean(),
    "bank_account": postgresql.JSONB(none_as_null=True),
    "bank_changed_at": sa.DateTime(timezone=True),
}
VENDOR_CHECKS = {
    "reserve_bps": "reserve_bps BETWEEN 0 AND 10000",
    "reserve_seconds": "reserve_seconds >= 0",
    "payout_interval": "payout_interval IN ('manual','daily','weekly','monthly')",
    "payout_day": "payout_day BETWEEN 1 AND 31",
    "payout_minimum": "payout_minimum >= 0",
}


def vendors_money() -> None:
    """The terms of vendors' money, payouts to their banks, fines and bonuses."""
    for name, kind in VENDOR_TERMS.items():
        op.add_column('vendors', sa.Column(name, kind, nullable=True))
    for name, holds in VENDOR_CHECKS.items():
        op.create_check_constraint(op.f(f'ck_vendors_{name}'), 'vendors', holds)
    op.create_table('payouts',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('step_id', sa.Text(collation='C'), nullable=False),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('requested_by', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('arrives_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('failed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('requested','sent','paid','failed','canceled')", name=op.f('ck_payouts_state')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_payouts_amount')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payouts')),
    sa.UniqueConstraint('reference', name=op.f('uq_payouts_reference')),
    sa.UniqueConstraint('step_id', name=op.f('uq_payouts_step_id'))
    )
    op.create_index('ix_payouts_vendor_id', 'payouts', ['vendor', 'id'], unique=False)
    op.create_index('uq_payouts_open', 'payouts', ['vendor', 'currency'], unique=True, postgresql_where=sa.text("state = 'requested'"))
    op.create_table('payout_plans',
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('planned_for', sa.DateTime(timezone=True), nullable=True),
    sa.Column('again_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('vendor', name=op.f('pk_payout_plans'))
    )
    op.create_table('adjustments',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('vendor', sa.Text(collation='C'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=True),
    sa.Column('sub_order_id', sa.Text(collation='C'), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('posted_by', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('waived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('waived_by', sa.Text(), nullable=True),
    sa.Column('waived_why', sa.Text(), nullable=True),
    sa.CheckConstraint("kind IN ('fine','bonus')", name=op.f('ck_adjustments_kind')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_adjustments_amount')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_adjustments'))
    )
    op.create_index(op.f('ix_adjustments_order_id'), 'adjustments', ['order_id'], unique=False)
    op.create_index('ix_adjustments_vendor_id', 'adjustments', ['vendor', 'id'], unique=False)
    op.create_index('uq_adjustments_rule', 'adjustments', ['rule', 'sub_order_id'], unique=True, postgresql_where=sa.text('rule IS NOT NULL'))


def no_vendors_money() -> None:
    for name in ("adjustments", "payout_plans", "payouts"):
        op.drop_table(name)
    for name in VENDOR_CHECKS:
        op.drop_constraint(f'ck_vendors_{name}', 'vendors')
    for name in VENDOR_TERMS:
        op.drop_column('vendors', name)


def reconciliation() -> None:
    """What moved at the providers, how far we have read, and the runs with their reports."""
    op.create_table('provider_movements',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(collation='C'), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('fee', sa.BigInteger(), nullable=False),
    sa.Column('net', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('standing', sa.Text(), server_default='open', nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('transaction_id', sa.Text(collation='C'), nullable=True),
    sa.CheckConstraint('net = amount - fee', name=op.f('ck_provider_movements_net')),
    sa.CheckConstraint("standing IN ('open','matched','suspense','explained')", name=op.f('ck_provider_movements_standing')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_movements'))
    )
    op.create_index('ix_provider_movements_gateway_at', 'provider_movements', ['gateway', 'at', 'id'], unique=False)
    op.create_index('ix_provider_movements_source', 'provider_movements', ['source'], unique=False,
        postgresql_where=sa.text('source IS NOT NULL'))
    op.create_index('ix_provider_movements_unmatched', 'provider_movements', ['gateway', 'id'], unique=False,
        postgresql_where=sa.text("standing IN ('open','suspense')"))
    op.create_index('uq_provider_movements_transaction_id', 'provider_movements', ['transaction_id'], unique=True,
        postgresql_where=sa.text('transaction_id IS NOT NULL'))
    op.create_table('reconcile_cursors',
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('read_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('gateway', name=op.f('pk_reconcile_cursors'))
    )
    op.create_table('reconciliations',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('slot', sa.Text(), nullable=True),
    sa.Column('asked_by', sa.Text(), nullable=False),
    sa.Column('standing', sa.Text(), server_default='requested', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('report', postgresql.JSONB(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('since < until', name=op.f('ck_reconciliations_range')),
    sa.CheckConstraint("standing IN ('requested','running','failed','done')", name=op.f('ck_reconciliations_standing')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliations')),
    sa.UniqueConstraint('slot', name=op.f('uq_reconciliations_slot'))
    )
    op.create_index('ix_reconciliations_due_at', 'reconciliations', ['due_at'], unique=False,
        postgresql_where=sa.text("standing <> 'done'"))


def no_reconciliation() -> None:
    for name in ("reconciliations", "reconcile_cursors", "provider_movements"):
        op.drop_table(name)


def told_by_providers() -> None:
    """Provider events, how far they were swept, and how vendors' connected accounts stand."""
    op.create_table('provider_events',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('endpoint', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=True),
    sa.Column('raw', sa.LargeBinary(), nullable=True),
    sa.Column('headers', postgresql.JSONB(), server_default='{}', nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), server_default='new', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('detail', sa.Text(), server_default='', nullable=False),
    sa.CheckConstraint("state IN ('new','parked','applied','ignored','unmatched')", name=op.f('ck_provider_events_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_provider_events'))
    )
    op.create_index('ix_provider_events_due_at', 'provider_events', ['due_at'], postgresql_where=sa.text("state IN ('new','parked')"))
    op.create_index('ix_provider_events_received_at_id', 'provider_events', ['received_at', 'id'])
    op.create_table('provider_cursors',
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('seen_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('gateway', 'stream', name=op.f('pk_provider_cursors'))
    )
    for name in ('account_receives', 'account_pays_out'):
        op.add_column('vendors', sa.Column(name, sa.Boolean(), server_default='false', nullable=False))
    op.add_column('vendors', sa.Column('account_due', postgresql.JSONB(), server_default='[]', nullable=False))
    op.add_column('vendors', sa.Column('account_reason', sa.Text(), server_default='', nullable=False))
    op.add_column('vendors', sa.Column('account_seen_at', sa.DateTime(timezone=True), nullable=True))


def nothing_told_by_providers() -> None:
    for name in ('account_seen_at', 'account_reason', 'account_due', 'account_pays_out', 'account_receives'):
        op.drop_column('vendors', name)
    op.drop_table('provider_cursors')
    op.drop_table('provider_events')


def bank_transfers() -> None:
    """What buyers send to our bank account, what goes out of it, and which ways to pay work."""
    op.create_table('bank_payments',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('key', sa.Text(collation='C'), nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=False),
    sa.Column('payment_id', sa.Text(collation='C'), nullable=False),
    sa.Column('reference', sa.Text(collation='C'), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('received', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('captured', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_bank_payments_amount')),
    sa.CheckConstraint('captured BETWEEN 0 AND received', name=op.f('ck_bank_payments_captured')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_payments')),
    sa.UniqueConstraint('key', name=op.f('uq_bank_payments_key')),
    sa.UniqueConstraint('reference', name=op.f('uq_bank_payments_reference'))
    )
    op.create_index(op.f('ix_bank_payments_order_id'), 'bank_payments', ['order_id'], unique=False)
    op.create_index('ix_bank_payments_state_id', 'bank_payments', ['state', 'id'], unique=False)
    op.create_table('bank_lines',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('bank_id', sa.Text(collation='C'), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), server_default='', nullable=False),
    sa.Column('payer_name', sa.Text(), server_default='', nullable=False),
    sa.Column('payer_iban', sa.Text(), nullable=True),
    sa.Column('end_to_end', sa.Text(), nullable=True),
    sa.Column('payment_id', sa.Text(collation='C'), nullable=True),
    sa.Column('bank_order_id', sa.Text(collation='C'), nullable=True),
    sa.Column('sent_back', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('recorded_by', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount <> 0', name=op.f('ck_bank_lines_amount')),
    sa.ForeignKeyConstraint(['payment_id'], ['bank_payments.id'], name=op.f('fk_bank_lines_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_lines')),
    sa.UniqueConstraint('bank_id', name=op.f('uq_bank_lines_bank_id'))
    )
    op.create_index(op.f('ix_bank_lines_bank_order_id'), 'bank_lines', ['bank_order_id'], unique=False)
    op.create_index(op.f('ix_bank_lines_created_at'), 'bank_lines', ['created_at'], unique=False)
    op.create_index(op.f('ix_bank_lines_payment_id'), 'bank_lines', ['payment_id'], unique=False)
    op.create_index('ix_bank_lines_unmatched', 'bank_lines', ['id'], unique=False, postgresql_where=sa.text('payment_id IS NULL AND bank_order_id IS NULL AND NOT sent_back'))
    op.create_table('bank_orders',
    sa.Column('id', sa.Text(collation='C'), nullable=False),
    sa.Column('key', sa.Text(collation='C'), nullable=False),
    sa.Column('end_to_end', sa.Text(collation='C'), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('order_id', sa.Text(collation='C'), nullable=True),
    sa.Column('payment_id', sa.Text(collation='C'), nullable=True),
    sa.Column('line_id', sa.Text(collation='C'), nullable=True),
    sa.Column('vendor', sa.Text(collation='C'), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('holder', sa.Text(), server_default='', nullable=False),
    sa.Column('iban', sa.Text(), nullable=True),
    sa.Column('bic', sa.Text(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('export_id', sa.Text(collation='C'), nullable=True),
    sa.Column('exported_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('executed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind IN ('refund','transfer','give_back','send_back')", name=op.f('ck_bank_orders_kind')),
    sa.CheckConstraint("state <> 'exported' OR iban IS NOT NULL", name=op.f('ck_bank_orders_exported_has_iban')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_bank_orders_amount')),
    sa.ForeignKeyConstraint(['line_id'], ['bank_lines.id'], name=op.f('fk_bank_orders_line_id')),
    sa.ForeignKeyConstraint(['payment_id'], ['bank_payments.id'], name=op.f('fk_bank_orders_payment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_orders')),
    sa.UniqueConstraint('end_to_end', name=op.f('uq_bank_orders_end_to_end')),
    sa.UniqueConstraint('key', name=op.f('uq_bank_orders_key'))
    )
    op.create_index(op.f('ix_bank_orders_export_id'), 'bank_orders', ['export_id'], unique=False)
    op.create_index(op.f('ix_bank_orders_line_id'), 'bank_orders', ['line_id'], unique=False)
    op.create_index(op.f('ix_bank_orders_order_id'), 'bank_orders', ['order_id'], unique=False)
    op.create_index(op.f('ix_bank_orders_payment_id'), 'bank_orders', ['payment_id'], unique=False)
    op.create_index('ix_bank_orders_state_id', 'bank_orders', ['state', 'id'], unique=False)
    op.create_table('gateway_health',
    sa.Column('gateway', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('gateway', name=op.f('pk_gateway_health'))
    )


def no_bank_transfers() -> None:
    for name in ("gateway_health", "bank_orders", "bank_lines", "bank_payments"):
        op.drop_table(name)
