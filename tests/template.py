"""Owns what every test database starts with: the schema, by the migrations, as in production."""

from hub.migrate import upgrade_at


def fill_template(url: str) -> None:
    """Bring the empty database at `url` to the newest schema (called once per session, in a thread of its own)."""
    upgrade_at(url)
