"""The vendor's own memory here: articles, rates, stock, what is held of it, sub-orders, and each file that came or went."""

FILE = "flatfile.sqlite"

SCHEMA = """
CREATE TABLE IF NOT EXISTS article (
    vendor TEXT NOT NULL, sku TEXT NOT NULL, title TEXT NOT NULL, price INTEGER NOT NULL, currency TEXT NOT NULL,
    category TEXT NOT NULL, description TEXT NOT NULL,
    PRIMARY KEY (vendor, sku)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rate (
    vendor TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, price INTEGER NOT NULL, currency TEXT NOT NULL, days INTEGER NOT NULL,
    PRIMARY KEY (vendor, code)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stock (
    vendor TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (vendor, sku)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holding (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL CHECK (quantity > 0),
    command_id TEXT NOT NULL, expires_at REAL,
    PRIMARY KEY (vendor, sub_order_id, sku)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS holding_sku ON holding (vendor, sku);
CREATE INDEX IF NOT EXISTS holding_command ON holding (vendor, command_id);
CREATE TABLE IF NOT EXISTS purchase (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, state TEXT NOT NULL, submit_command_id TEXT NOT NULL,
    ship_command_id TEXT NOT NULL DEFAULT '', items BLOB NOT NULL, short BLOB NOT NULL DEFAULT '[]', reason TEXT NOT NULL DEFAULT '',
    parcels BLOB NOT NULL DEFAULT '[]',
    PRIMARY KEY (vendor, sub_order_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS loaded (
    id INTEGER PRIMARY KEY, vendor TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, part TEXT NOT NULL, report BLOB NOT NULL,
    at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS loaded_digest ON loaded (vendor, kind, digest);
CREATE TABLE IF NOT EXISTS outgoing (
    vendor TEXT NOT NULL, sub_order_id TEXT NOT NULL, path TEXT NOT NULL, body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('new', 'staged', 'written')),
    PRIMARY KEY (vendor, path)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outgoing_sub_order ON outgoing (vendor, sub_order_id) WHERE state <> 'written';
"""
"""A holding without `expires_at` is of an order."""
