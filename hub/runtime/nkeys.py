"""Owns nkeys: the making of a seed, which stays with its holder, and the public half, which the broker knows."""

# the package nkeys is untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportAttributeAccessIssue=false

import base64
import binascii

import nkeys

from hub.runtime.entropy import random_bytes

PUBLIC_LENGTH = 56
_USER = 20 << 3


def new_seed() -> str:
    """A fresh user seed (`SU…`): a secret."""
    return seed_of(random_bytes(32))


def seed_of(secret: bytes) -> str:
    """The user seed of 32 bytes."""
    return nkeys.encode_seed(secret, nkeys.PREFIX_BYTE_USER).decode()


def public_of(seed: str) -> str:
    """The public half (`U…`) of a seed."""
    return bytes(nkeys.from_seed(bytearray(seed.encode())).public_key).decode()


def is_public(text: str) -> bool:
    """Whether this is the public half of a user's nkey: its kind, its length and its checksum (CRC-16/XMODEM).

    A broker refuses its whole configuration for one that is not.
    """
    if len(text) != PUBLIC_LENGTH:
        return False
    try:
        raw = base64.b32decode(text)
    except (binascii.Error, ValueError):
        return False
    return raw[0] == _USER and binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")
