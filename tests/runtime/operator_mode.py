"""A broker in operator mode: the JSON web tokens of an operator, an account and a user, signed with nkeys (NATS JWT, version 2)."""

# the package nkeys is untyped
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportAttributeAccessIssue=false

import base64
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec
import nkeys


class Pair:
    """An nkey of an operator, an account or a user."""

    def __init__(self, kind: int) -> None:
        self.seed = nkeys.encode_seed(secrets.token_bytes(32), kind).decode()
        self._pair = nkeys.from_seed(bytearray(self.seed.encode()))
        self.public = bytes(self._pair.public_key).decode()

    def sign(self, name: str, subject: str, claims: dict[str, Any]) -> str:
        """A token about `subject`."""
        body = {"jti": secrets.token_hex(16), "iat": int(time.time()), "iss": self.public, "name": name, "sub": subject, "nats": claims}
        head = _part({"typ": "JWT", "alg": "ed25519-nkey"})
        text = f"{head}.{_part(body)}"
        return f"{text}.{_base64(bytes(self._pair.sign(text.encode())))}"


def broker(credentials: Path) -> str:
    """The configuration of a broker that knows one account with JetStream; a user's credentials are written to `credentials`."""
    operator, account, user = (Pair(kind) for kind in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER))
    unlimited = {**dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1), "wildcards": True}
    stored = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
    account_claims = {
        "type": "account",
        "version": 2,
        "limits": {**unlimited, **stored},
        "default_permissions": {"pub": {}, "sub": {}},
    }
    account_token = operator.sign("HUB", account.public, account_claims)
    system = Pair(nkeys.PREFIX_BYTE_ACCOUNT)
    system_token = operator.sign("SYS", system.public, {"type": "account", "version": 2, "limits": unlimited})
    user_token = account.sign(
        "hub", user.public, {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}
    )
    credentials.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    operator_token = operator.sign("operator", operator.public, {"type": "operator", "version": 2})
    accounts = f"{account.public}: {account_token}, {system.public}: {system_token}"
    head = f"operator: {operator_token}\nsystem_account: {system.public}\n"
    return f"{head}resolver: MEMORY\nresolver_preload {{ {accounts} }}\njetstream {{}}\n"


def _part(value: object) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
