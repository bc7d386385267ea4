"""Owns the making of nkeys: a seed that stays with its holder, and the public half the broker knows."""

# the package nkeys is untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportAttributeAccessIssue=false

import secrets

import nkeys


def new_seed() -> str:
    """A fresh user seed (`SU…`): a secret."""
    return nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER).decode()


def public_of(seed: str) -> str:
    """The public half (`U…`) of a seed."""
    return bytes(nkeys.from_seed(bytearray(seed.encode())).public_key).decode()
