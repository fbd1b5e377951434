"""What all sections of `config.yaml` share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, WrapValidator

# A whole number stays one: 0 and 0.0 are the same number, but not the same bytes in a record.
Number = Annotated[float, WrapValidator(lambda value, check: (check(value), value)[1])]
LARGEST_SEED = 2**32 - 1


class Section(BaseModel):
    """Keys that stand together; no others are allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Return the typed form of values that the schema has allowed."""
        return cls.model_validate(content)

    def plain(self) -> dict[str, Any]:
        """Return plain dictionaries and lists, without the keys that are absent: what Snakemake compares."""
        return self.model_dump(by_alias=True, exclude_none=True)
