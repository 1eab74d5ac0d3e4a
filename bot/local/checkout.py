"""A developer's checkout, its policy, and the stacks that a command selects."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import EnvName, Stack
from bot.domain.hcl.module_calls import TERRAFORM_FILES
from bot.domain.trees.selection import POLICY_PATH
from bot.policy import EnvironmentPolicy, RepoPolicy, load_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of a local command."""

    env: str
    project: str | None
    user: str | None
    """Value of `{user}` in the state key; None for the login on this machine."""
    pull: int | None
    """Value of `{pull}` in the state key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A directory with a policy."""

    root: Path
    policy: RepoPolicy

    def environment(self, name: str) -> EnvironmentPolicy:
        """Return an environment; GatewrightError where the policy has none of that name."""
        if name not in self.policy.environments:
            choices = ", ".join(self.policy.environments)
            raise GatewrightError(
                f"unknown environment '{name}': must be one of {choices} ({self.root / POLICY_PATH})"
            )
        return self.policy.environment(name)

    def stacks(self, wanted: Wanted) -> tuple[Stack, ...]:
        """Return the selected stacks in order of dependency; GatewrightError where there are none."""
        env = EnvName(self.environment(wanted.env).name)
        names = [project.name for project in self.policy.projects]
        if wanted.project is not None and wanted.project not in names:
            raise GatewrightError(f"unknown project '{wanted.project}': must be one of {', '.join(names)}")
        user = (wanted.user or _login()) if self.policy.needs_user(env) else None
        found = self.policy.stacks(f"local/{self.root.name}", pull=wanted.pull, user=user)
        stacks = tuple(
            stack for stack in found if stack.env == env and wanted.project in (None, stack.project)
        )
        if not stacks:
            raise GatewrightError(f"the state of {env} belongs to a pull request: pass --pull NUMBER")
        return stacks

    def root_module(self, stack: Stack) -> Mapping[str, str]:
        """Return file name -> text of a stack's root module. Blocking."""
        directory = self.root / stack.directory
        names = (
            [path for path in directory.iterdir() if path.name.endswith(TERRAFORM_FILES)]
            if directory.is_dir()
            else []
        )
        return {
            path.name: path.read_text(encoding="utf-8", errors="replace") for path in names if path.is_file()
        }


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # In a container the user may have no name.
        raise GatewrightError("your user has no name on this machine: pass --user NAME") from None


def find(directory: Path) -> Checkout:
    """Return the checkout around a directory; GatewrightError where there is none.

    Raises PolicyError for an invalid policy.
    """
    # The policy of the checkout itself is safe here: its developer could also run Terraform by hand.
    start = directory.resolve()
    for place in (start, *start.parents):
        file = place / POLICY_PATH
        if file.is_file():
            return Checkout(root=place, policy=load_policy(_text(file), path=str(file)))
        if (place / ".git").exists():
            break
    raise GatewrightError(
        f"no {POLICY_PATH} in {start} or its parents: run this in a checkout of a managed repository"
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise GatewrightError(f"cannot read {file}: {error}") from error
