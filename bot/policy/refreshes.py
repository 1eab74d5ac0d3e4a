"""Copying data between environments, always against the direction of promotions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.core.model import EnvName, ProjectName
from bot.policy.file import PolicyFile
from bot.policy.source import Path

Problem = tuple[Path, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRefresh:
    """Which data is copied into an environment, how and when."""

    source: EnvName
    project: ProjectName
    """Whose outputs the command gets."""
    command: tuple[str, ...]
    every: timedelta
    timeout: timedelta


def data_refresh(name: str, file: PolicyFile) -> DataRefresh | None:
    """Return the refresh of an environment of a file that keeps the rules below."""
    entry, source = file.environments[name].data_refresh, _source(name, file)
    if entry is None or source is None:
        return None
    return DataRefresh(
        source=EnvName(source),
        project=ProjectName(entry.project or file.projects[0].name),
        command=entry.command,
        every=entry.every,
        timeout=entry.timeout,
    )


def broken_refreshes(file: PolicyFile) -> Iterator[Problem]:
    """Yield the path and the sentence of every impossible or misdirected refresh."""
    for name, environment in file.environments.items():
        entry = environment.data_refresh
        if entry is None or environment.trigger == "local":
            continue
        here: Path = ("environments", name, "data_refresh")
        if environment.lifecycle != "permanent":
            yield here, "is for permanent environments: others are created from scratch"
        if entry.project is None and len(file.projects) > 1:
            yield here, "needs `project`, whose outputs the command gets: there are several"
        source = _source(name, file)
        if source is None:
            yield (
                here,
                f"needs `from`, the environment whose data is copied: not exactly one promotes from {name}",
            )
        else:
            where = (*here, "from") if entry.source else here
            yield from ((where, sentence) for sentence in _wrong_source(source, name, file))


def _source(name: str, file: PolicyFile) -> str | None:
    entry = file.environments[name].data_refresh
    if entry is not None and entry.source is not None:
        return entry.source
    later = [other for other, one in file.environments.items() if one.apply.promote_from == name]
    return later[0] if len(later) == 1 else None


def _wrong_source(source: str, target: str, file: PolicyFile) -> Iterator[str]:
    given = file.environments[source]
    if source == target:
        yield "an environment is not refreshed from itself"
    elif given.trigger == "local":
        yield f"{source} is local, so the bot knows nothing of it"
    elif given.lifecycle != "permanent":
        yield f"{source} comes and goes with pull requests, so there is no data to copy"
    elif (why := _wrong_way(source, target, file)) is not None:
        yield f"data is copied back to where changes come from, never the other way: {why}"


def _wrong_way(source: str, target: str, file: PolicyFile) -> str | None:
    """Return why data would go the way that changes go; None where it does not."""
    if target in _origins(source, file):
        return None
    if source in _origins(target, file):
        return f"{target} promotes from {source}"
    is_origin = any(one.apply.promote_from == target for one in file.environments.values())
    if file.environments[target].apply.promote_from and not is_origin:
        return f"promotions end in {target}"
    order = list(file.environments)
    if order.index(source) < order.index(target):
        return f"{source} stands before {target} in this file, so changes reach {target} later"
    return None


def _origins(name: str, file: PolicyFile) -> set[str]:
    """Return what an environment promotes from, over any number of steps."""
    # A cycle is reported by `bot.policy.rules`; here it only must end.
    found: set[str] = set()
    at = file.environments[name].apply.promote_from
    while at is not None and at not in found:
        found.add(at)
        at = file.environments[at].apply.promote_from
    return found
