"""Names the making of nkeys for those who start a broker; it is `hub.runtime.nkeys`'s."""

from hub.runtime.nkeys import new_seed, public_of

__all__ = ["new_seed", "public_of"]
