"""Rules between the parts of a policy, once each part is valid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from bot.domain.gates import GATES, When
from bot.policy.file import EnvironmentEntry, PolicyFile
from bot.policy.refreshes import broken_refreshes
from bot.policy.source import Path

Problem = tuple[Path, str]


def broken_rules(file: PolicyFile) -> Iterator[Problem]:
    """Yield the path and the sentence of every broken rule."""
    yield from _project_names(file)
    yield from _cycles("projects", {one.name: one.depends_on for one in file.projects})
    origins = {
        name: (one.apply.promote_from,) if one.apply.promote_from else ()
        for name, one in file.environments.items()
    }
    yield from _cycles("environments", origins)
    yield from _prefixes(tuple(file.environments))
    for name, environment in file.environments.items():
        yield from _environment(name, environment, file)
    yield from _state_keys(file)
    yield from _allowances(file)
    yield from broken_refreshes(file)


def settings_prefix(environment: str) -> str:
    """Return the prefix of an environment's variables: `eu-prod` has `EU_PROD_`."""
    return re.sub(r"[^A-Z0-9]", "_", environment.upper()) + "_"


def key_template(file: PolicyFile, environment: str) -> str:
    """Return the template of an environment's state keys, by convention where the file has none."""
    middle = "/{project}" if len(file.projects) > 1 else ""
    return file.environments[environment].state_key or f"{environment}{middle}/terraform.tfstate"


def dependency_order(edges: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """Return the names with dependencies first, otherwise in the given order; None for a cycle."""
    ordered: list[str] = []
    waiting = list(edges)
    while waiting:
        ready = next((name for name in waiting if set(edges[name]) <= set(ordered)), None)
        if ready is None:
            return None
        waiting.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


def twin_pairs(file: PolicyFile) -> tuple[tuple[str, str], ...]:
    """Return every two environments of which one names the other as its twin, each pair once."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for name, entry in file.environments.items():
        if entry.twin is not None:
            pairs.setdefault(frozenset({name, entry.twin}), (name, entry.twin))
    return tuple(pairs.values())


def _allowances(file: PolicyFile) -> Iterator[Problem]:
    pairs = twin_pairs(file)
    for at, allowed in enumerate(file.parity.allowed):
        if not any(set(pair) <= set(allowed.environments) for pair in pairs):
            names = ", ".join(allowed.environments)
            yield ("parity", "allowed", at, "environments"), f"no two of {names} are twins"


def _project_names(file: PolicyFile) -> Iterator[Problem]:
    seen: set[str] = set()
    for at, project in enumerate(file.projects):
        if project.name in seen:
            yield ("projects", at), f"two projects are called {project.name}"
        seen.add(project.name)


def _cycles(where: str, edges: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    if dependency_order(edges) is not None:
        return
    left = dict(edges)
    # What depends on nothing that is left cannot be in a cycle, nor can what nothing depends on.
    while free := [
        name
        for name in left
        if not set(left[name]) & left.keys() or all(name not in needs for needs in left.values())
    ]:
        for name in free:
            del left[name]
    yield (where,), f"{', '.join(left)} depend on one another in a cycle, or on themselves"


def _prefixes(names: Sequence[str]) -> Iterator[Problem]:
    """Yield names by which one environment would get another's variables."""
    for pair in combinations(names, 2):
        shorter, longer = sorted(pair, key=lambda name: len(settings_prefix(name)))
        if settings_prefix(longer).startswith(settings_prefix(shorter)):
            begin = settings_prefix(longer)
            sentence = f"{shorter} would also get the variables of {longer} ({begin}…); rename one of them"
            yield ("environments", pair[1]), sentence


def _environment(name: str, environment: EnvironmentEntry, file: PolicyFile) -> Iterator[Problem]:
    here: Path = ("environments", name)
    yield from _references(name, environment, file)
    key = environment.state_key or ""
    if environment.trigger == "local":
        given = environment.model_fields_set & {
            "apply",
            "lifecycle",
            "after_merge",
            "verify",
            "drift",
            "data_refresh",
        }
        given |= {"autoplan"} if environment.autoplan else set()
        for field in sorted(given):
            yield (*here, field), "has no effect in a local environment, which the bot never runs"
    else:
        for field in sorted({"up", "down"} & environment.model_fields_set):
            yield (*here, field), "is for local environments (trigger: local)"
        if "{user}" in key:
            yield (*here, "state_key"), "{user} is for local environments (trigger: local)"
    if environment.drift is not None and environment.lifecycle != "permanent":
        yield (*here, "drift"), "is for permanent environments: others are too short-lived to drift"
    if re.search(r"[0-9}]\{pull\}|\{pull\}[0-9{]", key):
        # Pull request 11 of the project `a` and 1 of `a1` would share a state.
        yield (*here, "state_key"), "it is ambiguous where the number ends; put a `/` or a `-` beside {pull}"
    if "{pull}" in key and environment.lifecycle == "permanent":
        yield (*here, "state_key"), "{pull} is for environments with lifecycle: pull_request or ephemeral"


def _references(name: str, environment: EnvironmentEntry, file: PolicyFile) -> Iterator[Problem]:
    here: Path = ("environments", name)
    apply = environment.apply
    if environment.twin == name:
        yield (*here, "twin"), "an environment is not its own twin"
    if apply.promote_from and file.environments[apply.promote_from].trigger == "local":
        yield (*here, "apply", "from"), f"{apply.promote_from} is local, so nothing is verified there"
    if apply.promote_from is None:
        for gate in GATES:
            if gate.when is When.PROMOTING and gate.name in apply.gates:
                sentence = f"the gate {gate.name} needs `from`, the environment to promote from"
                yield (*here, "apply", "gates"), sentence
    if apply.soak is not None and apply.promote_from is None:
        yield (*here, "apply", "soak"), "needs `from`, the environment in which the release soaks"


def _state_keys(file: PolicyFile) -> Iterator[Problem]:
    """Yield stacks that could share a state key."""
    # They would overwrite each other, whichever pull request or user the key is filled with.
    projects = list(dict.fromkeys(project.name for project in file.projects))
    templates = {name: key_template(file, name) for name in file.environments}
    for name, template in templates.items():
        if len(projects) > 1 and "{project}" not in template:
            who = f"the projects {', '.join(projects)}"
            sentence = f"{who} would share the state key {template}; put {{project}} into it"
            yield ("environments", name, "state_key"), sentence
    for one, other in combinations(templates, 2):
        shared = _shared_key(templates[one], templates[other], projects)
        if shared:
            yield (
                ("environments", other, "state_key"),
                f"{one} and {other} would share the state key {shared}",
            )


def _shared_key(one: str, other: str, projects: Sequence[str]) -> str | None:
    """Return a key that both templates can become, None where they never meet."""
    # Either may be the more general one.
    for template, against in ((one, other), (other, one)):
        pattern = _pattern(against, projects)
        for sample in _samples(template, projects):
            if pattern.fullmatch(sample):
                return sample
    return None


def _pattern(template: str, projects: Sequence[str]) -> re.Pattern[str]:
    wildcards = {"{project}": f"(?:{'|'.join(projects)})", "{pull}": "[0-9]+", "{user}": "[^/]+"}
    escaped = re.escape(template)
    for placeholder, wildcard in wildcards.items():
        escaped = escaped.replace(re.escape(placeholder), wildcard)
    return re.compile(escaped)


def _samples(template: str, projects: Sequence[str]) -> Iterator[str]:
    for project in projects:
        filled = template.replace("{project}", project).replace("{pull}", "1")
        yield from {filled.replace("{user}", "1"), without_user(filled).replace("{user}", "1")}


def without_user(template: str) -> str:
    """Return a key without its user: `dev/{user}/x` becomes `dev/x`."""
    return re.sub(r"(?<![^/])\{user\}/", "", template)
