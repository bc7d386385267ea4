"""The worker: sends due steps, hears vendors, watches deadlines. Any number of them may run; none is special."""

from hub.worker.run import run

__all__ = ["run"]
