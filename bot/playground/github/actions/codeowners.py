"""The errors GitHub reports in a CODEOWNERS file."""

import re
from typing import Any

from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Repo, Role

LOCATIONS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_TOKEN = re.compile(r"(?:\\.|\S)+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def errors_in(hub: Hub, repo: Repo, path: str, text: str) -> list[dict[str, Any]]:
    """One entry for each bad pattern, malformed owner, and owner without write access."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = list(_TOKEN.finditer(line.split(" #", 1)[0]))
        if not tokens or tokens[0].group().startswith("#"):
            continue
        pattern = tokens[0].group()
        if pattern.startswith("!") or "[" in pattern:
            found.append(_error(path, (number, 1), line, "Invalid pattern", "the pattern is not supported"))
            continue
        for token in tokens[1:]:
            kind = _judge(hub, repo, token.group())
            if kind is not None:
                reason = f"make sure {token.group()} exists and has write access to the repository"
                found.append(_error(path, (number, token.start() + 1), line, kind, reason))
    return found


def _judge(hub: Hub, repo: Repo, owner: str) -> str | None:
    """The kind of error, or None for a good owner."""
    if not owner.startswith("@"):
        return None if _EMAIL.fullmatch(owner) else "Invalid owner"
    name = owner[1:]
    if "/" in name:
        org, _, slug = name.partition("/")
        team = hub.state.data.teams.get(name.lower())
        known = team is not None and org.lower() == repo.owner.lower()
        role = repo.team_roles.get(slug, Role.NONE)
    else:
        known = name.lower() in hub.state.data.accounts
        role = hub.state.role(repo, name)
    return None if known and role.at_least(Role.WRITE) else "Unknown owner"


def _error(path: str, place: tuple[int, int], source: str, kind: str, reason: str) -> dict[str, Any]:
    line, column = place
    pointer = " " * (column - 1) + "^"
    return {
        "line": line,
        "column": column,
        "source": source,
        "kind": kind,
        "suggestion": reason,
        "message": f"{kind} on line {line}: {reason}\n\n  {source}\n  {pointer}",
        "path": path,
    }
