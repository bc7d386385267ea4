"""Stock: where every unit a vendor ever gave us is."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Table, func

from hub.runtime.database import IdText, metadata

stock = Table(
    "stock",
    metadata,
    Column("offer_id", IdText, ForeignKey("offers.id"), primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("shipped", BigInteger, nullable=False, server_default="0"),
    Column("received", BigInteger, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("on_hand >= 0", name="on_hand"),
    CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("shipped >= 0", name="shipped"),
    CheckConstraint("on_hand + reserved + shipped = received", name="conserved"),
    postgresql_with={"fillfactor": "50"},
)
"""`fillfactor` leaves room for updates in place: a hot offer's row changes with every order.
`counted_at` is as of when the vendor has counted, by its own clock in a feed and by ours over HTTP: an older count is none.
"""
