"""Load a policy from the text of `gatewright.yaml`, or report everything wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import ValidationError

from bot.domain.core.errors import PolicyError
from bot.domain.trees.selection import POLICY_PATH
from bot.policy.file import PolicyFile
from bot.policy.problems import explain
from bot.policy.repo import RepoPolicy
from bot.policy.rules import broken_rules
from bot.policy.source import Source, dotted, read_source
from bot.policy.thresholds import GroupsEntry
from bot.policy.values import ENVIRONMENT_NAME

_MAX_SHOWN = 50


def load_policy(text: str, *, path: str = POLICY_PATH) -> RepoPolicy:
    """Return the policy, or raise PolicyError.

    The error has one `path:line: where: what is allowed` per problem.
    """
    source = read_source(text)
    if source.data is None:
        raise _error(path, source.problems)
    try:
        file = PolicyFile.model_validate(source.data, context=_names(source.data))
    except ValidationError as error:
        # Pydantic's own message has neither lines nor the choices.
        raise _error(path, explain(error, source, json_schema())) from None
    broken = [(source.line(where), f"{dotted(where)}: {sentence}") for where, sentence in broken_rules(file)]
    if broken:
        raise _error(path, broken)
    return RepoPolicy(file=file, digest=_digest(source))


def load_thresholds(text: str, *, path: str) -> GroupsEntry:
    """Return thresholds from a file of their own, or raise PolicyError as `load_policy` does."""
    source = read_source(text)
    if source.data is None:
        raise _error(path, source.problems or [(1, "is empty")])
    try:
        return GroupsEntry.model_validate(source.data)
    except ValidationError as error:
        raise _error(path, explain(error, source, GroupsEntry.model_json_schema(by_alias=True))) from None


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, which `docs/gatewright.schema.json` holds."""
    schema = PolicyFile.model_json_schema(by_alias=True)
    # Two things that pydantic's generator cannot see: names are checked, and `staging:` alone is enough.
    environments = schema["properties"]["environments"]
    environments["propertyNames"] = {"pattern": ENVIRONMENT_NAME}
    environments["additionalProperties"] = {"anyOf": [environments["additionalProperties"], {"type": "null"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": POLICY_PATH}


def _names(data: Any) -> dict[str, tuple[str, ...]]:
    """Return the names that references may use, as far as the file has them."""
    names: dict[str, tuple[str, ...]] = {}
    environments, projects = data.get("environments"), data.get("projects", [{}])
    if isinstance(environments, dict):
        names["environment"] = tuple(environments)
    if isinstance(projects, list):
        given = [one.get("name", "default") for one in projects if isinstance(one, dict)]
        names["project"] = tuple(str(name) for name in given)
    return names


def _digest(source: Source) -> str:
    return hashlib.sha256(json.dumps(source.data, sort_keys=True).encode()).hexdigest()


def _error(path: str, problems: Iterable[tuple[int, str]]) -> PolicyError:
    lines = [f"{path}:{line}: {sentence}" for line, sentence in sorted(set(problems))]
    more = len(lines) - _MAX_SHOWN
    return PolicyError((*lines[:_MAX_SHOWN], *([f"{path}: and {more} more"] if more > 0 else ())))
