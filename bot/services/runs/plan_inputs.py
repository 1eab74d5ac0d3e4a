"""Check that plans and applies of an environment get the same variables."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.domain.core.errors import EngineTooOldError, InputsDifferError
from bot.domain.core.model import Repo, Stack
from bot.domain.hcl.module_calls import TERRAFORM_FILES
from bot.domain.hcl.sensitive_variables import declared_secrets
from bot.domain.hcl.variables import (
    PREFIX,
    Difference,
    Variables,
    declared_variables,
    differences,
    first_with_ephemeral,
    takes_ephemeral,
    unlike,
)
from bot.ports import Engine, Workspace
from bot.services.runs.credentials import Credentials, Purpose
from bot.services.stacks.touched import MergedTree

_PURPOSES: Final[tuple[Purpose, Purpose]] = ("plan", "apply")
_MOST_SHOWN: Final = 3
"""Variables that the sentence itself names; where there are more, all are listed below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The known variables of a root module, before Terraform runs."""

    ephemeral: tuple[str, ...]
    """Variables that an apply must be given again, because no plan file holds them."""
    secrets: frozenset[str] = field(repr=False)
    """Values that the server gives to variables which the code declares sensitive or ephemeral."""


async def root_module(workspace: Workspace, repo: Repo, stack: Stack, tree: MergedTree) -> Mapping[str, str]:
    """Return file name -> text of the configuration files of a stack's root module."""
    blobs = {
        posixpath.basename(path): blob
        for path, blob in tree.files.items()
        if (posixpath.dirname(path) or ".") == stack.directory and path.endswith(TERRAFORM_FILES)
    }
    texts = await workspace.read_blobs(repo, sorted({*blobs.values()}))
    return {name: texts[blob] for name, blob in blobs.items()}


async def checked_inputs(
    credentials: Credentials, stack: Stack, engine: Engine, files: Mapping[str, str], *, applied: bool = True
) -> Inputs:
    """Return the inputs of a root module.

    `files` is file name -> text; `applied` is whether the environment is ever applied by the server. Raises
    InputsDifferError if plans and applies get different values, EngineTooOldError if the engine does not
    support the ephemeral variables that the code declares.
    """
    variables = await asyncio.to_thread(declared_variables, files, engine.name)
    if variables.perhaps_ephemeral and not takes_ephemeral(engine.name, engine.version):
        raise _too_old(engine, variables.perhaps_ephemeral)
    plan = credentials.environment(stack.env, purpose="plan")
    apply = credentials.environment(stack.env, purpose="apply")
    found = unlike(differences(plan, apply), variables)
    if found and applied:
        raise _differ(credentials, stack, found)
    code = [text for name, text in files.items() if name.endswith(TERRAFORM_FILES)]
    secrets = await asyncio.to_thread(lambda: declared_secrets(code, plan) | declared_secrets(code, apply))
    return Inputs(
        ephemeral=tuple(sorted(variables.perhaps_ephemeral)),
        secrets=frozenset(secrets | _ephemeral_values(variables, plan, apply)),
    )


def _ephemeral_values(variables: Variables, *environments: Mapping[str, str]) -> set[str]:
    names = [PREFIX + name for name in variables.perhaps_ephemeral]
    return {given[name] for given in environments for name in names if given.get(name)}


def _too_old(engine: Engine, names: Collection[str]) -> EngineTooOldError:
    shown = ", ".join(f"`{name}`" for name in sorted(names))
    return EngineTooOldError(
        f"{engine.name} {engine.version} does not take ephemeral variables, and the root module declares {shown} so:"
        f" name {engine.name} {first_with_ephemeral(engine.name)} or newer in `gatewright.yaml`, or remove `ephemeral`"
        " from the declaration"
    )


def _differ(credentials: Credentials, stack: Stack, found: Collection[Difference]) -> InputsDifferError:
    problems = tuple(_problem(credentials, stack, one) for one in found)
    more = len(problems) - _MOST_SHOWN
    shown = "; ".join([*problems[:_MOST_SHOWN], *([f"and {more} more"] if more > 0 else ())])
    message = (
        f"plans and applies of {stack.env} are not given the same variables, so that what is applied would not be what"
        f" was planned: {shown}. In the server's settings, give both the same value, or neither any; only the value of"
        " a variable that the root module declares with `ephemeral = true` may differ"
    )
    return InputsDifferError(message, problems=problems if more > 0 else ())


def _problem(credentials: Credentials, stack: Stack, one: Difference) -> str:
    plan, apply = (
        f"`{credentials.setting(stack.env, PREFIX + one.name, purpose=purpose)}`" for purpose in _PURPOSES
    )
    match one.only:
        case "plan":
            return f"{plan} is set, {apply} is not"
        case "apply":
            return f"{apply} is set, {plan} is not"
        case None:
            return f"{plan} and {apply} have different values"
