"""What may be wrong with a message that claims to come from a payment provider."""


class BadSignature(Exception):
    """Nobody who knows one of the secrets has signed this, or not within the last minutes. Its text may be shown to anybody."""


class BadEvent(Exception):
    """Signed as it should be, and yet no event."""
