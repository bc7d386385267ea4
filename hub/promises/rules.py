"""The marketplace's own promises and rules as data (`config/promises.toml`): read, and refused where they make no sense."""

from collections.abc import Mapping

import msgspec

from hub.kernel.errors import Invalid
from hub.promises import model, suspension
from hub.promises.model import OwnPromises, PromiseName, Promises
from hub.promises.suspension import Suspension


class _File(OwnPromises, frozen=True, kw_only=True, forbid_unknown_fields=True):
    suspension: Suspension = Suspension()


class OurPromises(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for vendors without promises of their own; `seconds` where the file does not say how long."""

    ours: OwnPromises
    seconds: Mapping[PromiseName, float]
    suspension: Suspension = Suspension()

    def in_force(self, own: OwnPromises) -> Promises:
        """A vendor's own promises where it has some, ours for the rest."""
        return model.in_force(own, self.ours, self.seconds)


def our_promises_from(data: Mapping[str, object], seconds: Mapping[PromiseName, float]) -> OurPromises:
    """The rules from the data of the file. Raises `ValueError` naming the field."""
    try:
        read = msgspec.convert(data, _File)
        ours = OwnPromises(**{name: getattr(read, name) for name in OwnPromises.__struct_fields__})
        made = OurPromises(ours=ours, seconds=seconds, suspension=read.suspension)
        model.check(made.in_force(OwnPromises()))
        suspension.check(read.suspension.rules)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"promises: {wrong}") from wrong
    except Invalid as wrong:
        raise ValueError(f"promises: {wrong.field}: {wrong.detail}") from wrong
    return made
