"""Owns the way to a schema: Alembic's migrations, run by `hub migrate`, and the only way there is."""

import io
import sys
from typing import Any, TextIO

from alembic import command
from alembic.config import Config

from hub.sections import Settings
from hub.settings import SHIPPED

MIGRATIONS = SHIPPED / "migrations"


def upgrade(settings: Settings) -> None:
    """Bring the database to the newest schema; does nothing if it is there."""
    upgrade_at(settings.database.address())


def downgrade(settings: Settings) -> None:
    """Take every table away."""
    downgrade_at(settings.database.address())


def upgrade_at(url: str) -> None:
    """As `upgrade`, for the database at `url` (`postgresql+asyncpg://…`). Not from inside a running event loop."""
    command.upgrade(_config(url), "head")


def downgrade_at(url: str) -> None:
    """As `downgrade`, for the database at `url`. Not from inside a running event loop."""
    command.downgrade(_config(url), "base")


def draft(url: str, message: str) -> None:
    """Write a new revision file with what the models have and the database at `url` has not: a draft to be read."""
    config = _config(url)
    config.attributes["compares"] = True
    command.revision(config, message, autogenerate=True)


def differences(url: str) -> list[Any]:
    """What the models have and the database at `url` has not, or the other way round; empty when they agree."""
    found: list[Any] = []
    config = _config(url, io.StringIO())
    config.attributes |= {"compares": True, "differences": found}
    command.current(config)
    return found


def _config(url: str, output: TextIO = sys.stdout) -> Config:
    config = Config(stdout=output)
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config
