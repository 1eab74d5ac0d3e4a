"""Records of a branch's requirements for merged commits."""

from typing import Literal

from pydantic import Field

from bot.playground.github.records.record import Record


class RequiredCheck(Record):
    """A check that a ruleset requires by name; `integration_id` is the App that must report it."""

    context: str
    integration_id: int | None = None


class Ruleset(Record):
    """A ruleset on one branch, of the repository or of the organisation that owns it."""

    id: int
    repo: str
    branch: str
    of_owner: bool = False
    enforcement: Literal["active", "evaluate", "disabled"] = "active"
    checks: list[RequiredCheck] = Field(default_factory=list)
