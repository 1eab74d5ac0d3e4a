"""Compare two policies by meaning, not by spelling."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.environments.policy_changes import EVERYWHERE, EnvironmentOutline, PolicyChange, PolicyChanges
from bot.policy.environment import EnvironmentPolicy
from bot.policy.repo import RepoPolicy

_Settings = Mapping[str, str | None]


def policy_changes(before: RepoPolicy | None, after: RepoPolicy) -> PolicyChanges:
    """Return the differences in `after`: everything, if there was no policy before."""
    old = before.environments if before is not None else ()
    kept = [name for name in after.environments if name in old]
    changed: list[PolicyChange] = []
    lost: list[tuple[str, str]] = []
    if before is not None:
        changed += _differences(EVERYWHERE, _common(before), _common(after))
        for name in kept:
            changed += _differences(name, _settings(before, name), _settings(after, name))
            now = after.environment(name).apply.gates
            lost += [(name, gate) for gate in before.environment(name).apply.gates if gate not in now]
    return PolicyChanges(
        added=tuple(_outline(after.environment(name)) for name in after.environments if name not in old),
        removed=tuple(name for name in old if name not in after.environments),
        changed=tuple(changed),
        lost_gates=tuple(lost),
    )


def _differences(where: str, before: _Settings, after: _Settings) -> Iterator[PolicyChange]:
    for setting in dict.fromkeys([*before, *after]):
        old, new = before.get(setting), after.get(setting)
        if old != new:
            yield PolicyChange(where=where, setting=setting, before=old, after=new)


def _common(policy: RepoPolicy) -> _Settings:
    """Return the settings of the file that are no environment's."""
    return dict(_flat(policy.file.model_dump(mode="json", by_alias=True, exclude={"environments"})))


def _settings(policy: RepoPolicy, name: str) -> _Settings:
    """Return the settings of an environment, with its defaults filled in."""
    entry = policy.file.environments[name].model_dump(mode="json", by_alias=True)
    resolved = policy.environment(name)
    # Compared as resolved, so that writing out a default is no change.
    entry |= {"autoplan": resolved.autoplan, "after_merge": resolved.after_merge}
    entry["apply"] |= {"allow": resolved.apply.allow_words, "gates": sorted(resolved.apply.gates)}
    return dict(_flat(entry))


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str | None]]:
    """Yield dotted names and values; lists stay whole, since their entries have no names."""
    for key, each in value.items():
        name = f"{above}{key}"
        if isinstance(each, dict):
            yield from _flat(each, f"{name}.")
        else:
            yield name, _shown(each)


def _shown(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _outline(env: EnvironmentPolicy) -> EnvironmentOutline:
    local = env.trigger == "local"
    by_push = "every pull request that touches it" if env.autoplan else "`/plan` alone"
    return EnvironmentOutline(
        name=env.name,
        plans="developers' machines" if local else by_push,
        applies="developers' machines" if local else env.apply.allow_words,
        gates=env.apply.gates,
    )
