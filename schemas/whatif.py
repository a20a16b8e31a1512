"""A what-if configuration: other policies than those that were registered, for judging them on the past.

A file of an engineer's for a replay; and part of the event that puts a detector on trial (:mod:`schemas.shadow`).
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import FieldSerializationInfo, ValidationError, field_serializer, model_validator
from pydantic.alias_generators import to_snake

from schemas.facility import FacilityClass, Policy
from schemas.model import Model, ZoneId
from schemas.rules import RuleError, check


class WhatIfError(ValueError):
    """No what-if configuration; the message names what is wrong, a line each, and which keys there are."""


class Override(Model):
    """Another policy for all that matches: every selector that is given must.

    Only those keys of ``policy`` change that are written down, and of its ``rules`` only those parameters; one that is
    null (JSON) is as if nobody had said it: the zone's, the class's, or the default.
    """

    facility_class: FacilityClass | None = None
    zone: ZoneId | None = None
    facility: str | None = None
    policy: Policy

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.facility_class is None and self.zone is None and self.facility is None:
            raise ValueError("says nothing of what it is for: give facility_class, zone or facility")
        return self

    @field_serializer("policy")
    def _written_down(self, policy: Policy, info: FieldSerializationInfo) -> dict[str, Any]:
        # A key that nobody wrote must not come back as null, which is the class's default.
        return policy.model_dump(mode=info.mode, by_alias=info.by_alias, exclude_unset=True)

    @property
    def changes(self) -> dict[str, Any]:
        """The policy's keys that are written down, and of its rules the parameters."""
        written = sorted(self.policy.model_fields_set - {"rules"})
        return {name: getattr(self.policy, name) for name in written} | dict(sorted((self.policy.rules or {}).items()))

    def __str__(self) -> str:
        """The selectors, as a person wrote them."""
        given = {"facility_class": self.facility_class, "zone": self.zone, "facility": self.facility}
        return ", ".join(f"{name} = {value}" for name, value in given.items() if value is not None)


class WhatIf(Model):
    """Overrides in the order in which they are applied: of two that touch the same key the later one stands."""

    override: tuple[Override, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "WhatIf":
        """What stands in a TOML or JSON file.

        Raises:
            WhatIfError: an unknown key, or a value that the model of policies does not take.
        """
        try:
            found = cls.model_validate_json(json.dumps(data))  # JSON: there strict models take names of classes
            for override in found.override:
                check(override.policy, override.facility_class)
        except TypeError as error:  # TOML has times, and no policy does
            raise WhatIfError(str(error)) from error
        except ValidationError as error:
            raise WhatIfError("\n".join(map(_complaint, error.errors(include_url=False)))) from error
        except RuleError as error:
            raise WhatIfError(str(error)) from error
        return found


_TABLES: Final[dict[int, type[Model]]] = {
    0: WhatIf,
    2: Override,
    3: Policy,
}  # by how deep a key stands: override, 0, policy, tilt_deg


def _complaint(error: Any) -> str:
    place = [to_snake(part) if isinstance(part, str) else part for part in error["loc"]]
    where = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    if error["type"] == "extra_forbidden":
        table = _TABLES[len(place) - 1]
        return f"{where}: there is no such key; there are {', '.join(table.model_fields)}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"
