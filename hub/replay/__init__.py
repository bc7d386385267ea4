"""Replay: recorded orders of a real marketplace, placed all over again, each followed to its end, and all laws checked."""

from hub.replay.run import Plan, replay

__all__ = ["Plan", "replay"]
