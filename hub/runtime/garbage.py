"""What a process has loaded stays, so it is not looked through for garbage again and again: that stops all it does for half a second."""

import gc


def keep_what_is_here() -> None:
    """Call it once, when everything is loaded and nothing is under way."""
    gc.collect()
    gc.freeze()
