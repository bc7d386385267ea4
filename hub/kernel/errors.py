"""Five ways to say no; one table at the HTTP edge turns each into a status (RFC 9457)."""


class Refusal(Exception):
    """A reasoned no. `slug` is the stable problem type, `field` the offending input as a JSON pointer."""

    def __init__(self, slug: str, detail: str, *, field: str | None = None, **facts: object) -> None:
        super().__init__(detail)
        self.slug = slug
        self.detail = detail
        self.field = field
        self.facts = facts


class Invalid(Refusal):
    """The request makes no sense whatever the state of the world."""


class Forbidden(Refusal):
    """The asker may not."""


class NotFound(Refusal):
    """There is no such thing, or it is not the asker's to see."""


class Conflict(Refusal):
    """The world has moved on: sold out, expired, already shipped."""


class Unavailable(Refusal):
    """Not now; `retry_after` seconds may help."""

    def __init__(self, slug: str, detail: str, *, retry_after: int = 1, **facts: object) -> None:
        super().__init__(slug, detail, field=None, **facts)
        self.retry_after = retry_after
