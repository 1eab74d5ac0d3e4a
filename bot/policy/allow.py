"""Who may apply or push: permissions on the repository, teams and bots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from bot.domain.core.model import Permission

_TEAM = r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


_BOT = r"[A-Za-z0-9][A-Za-z0-9-]{0,99}\[bot\]"
"""No person's login has brackets, so no person can take the name of a bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """Who may apply: accounts with the permission, and members of the teams."""

    permission: Permission | None = None
    teams: tuple[tuple[str, str], ...] = ()
    """Organisation and slug."""

    @property
    def words(self) -> str:
        """Both, for a sentence."""
        parts = [f"{self.permission} access"] if self.permission else []
        parts += [f"membership in @{org}/{team}" for org, team in self.teams]
        return " or ".join(parts) or "nobody's permission (applying is switched off)"


_APPLIERS = ("none", "triage", "write", "maintain", "admin")
_ALLOW_FORMS = f"must be one of {', '.join(_APPLIERS)}, or a list of these and of teams such as @org/team"


def _allow(value: Any) -> Any:
    if isinstance(value, Allow):
        return value
    entries = value if isinstance(value, list) else [value]
    if not entries or not all(isinstance(entry, str) for entry in entries):
        raise ValueError(_ALLOW_FORMS)
    if "none" in entries and len(entries) > 1:
        raise ValueError("none stands alone")
    teams = [entry for entry in entries if re.fullmatch(_TEAM, entry)]
    rights = [entry for entry in entries if entry in _APPLIERS]
    if len(teams) + len(rights) < len(entries):
        raise ValueError(_ALLOW_FORMS)
    # Several rights mean that each is enough, and the least includes the others.
    least = min(rights, key=_APPLIERS.index, default="none")
    return Allow(
        permission=None if least == "none" else Permission(least), teams=tuple(_team(team) for team in teams)
    )


def _team(value: str) -> tuple[str, str]:
    org, slug = value.removeprefix("@").split("/")
    return org, slug


def _oncall(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_TEAM, value):
        return _team(value)
    if isinstance(value, tuple):
        return value
    raise ValueError("must be a team such as @org/team")


def _bot(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(_BOT, value):
        return value
    raise ValueError(
        "must be the login of a bot such as renovate[bot]: an ordinary user is known as a person"
    )


_ONE_ALLOWED = {"anyOf": [{"enum": list(_APPLIERS)}, {"type": "string", "pattern": f"^{_TEAM}$"}]}
AllowEntry = Annotated[
    Allow,
    BeforeValidator(_allow),
    WithJsonSchema(
        {"anyOf": [*_ONE_ALLOWED["anyOf"], {"type": "array", "items": _ONE_ALLOWED, "minItems": 1}]}
    ),
]
TeamName = Annotated[
    tuple[str, str],
    BeforeValidator(_oncall),
    WithJsonSchema({"type": "string", "pattern": f"^{_TEAM}$"}),
]
BotLogin = Annotated[
    str,
    BeforeValidator(_bot),
    WithJsonSchema({"type": "string", "pattern": f"^{_BOT}$"}),
]
