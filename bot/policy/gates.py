"""The names of gates in `gatewright.yaml`, taken from the table of gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bot.domain.gates import policy_names


@dataclass(frozen=True, slots=True)
class OneOf:
    """Accepts these names alone, with the schema and the error of a `Literal` of them."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema of the names."""
        del source, handler
        return core_schema.literal_schema(list(self.names))


GateName = Annotated[str, OneOf(policy_names())]
