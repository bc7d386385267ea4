"""The worker: sends due steps, hears vendors, watches deadlines. Any number of them may run; none is special."""

from hub.worker.run import Worker, run

__all__ = ["Worker", "run"]
