"""The checkout in which somebody works, its policy, and the stacks that a command means."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import GatewrightError
from bot.domain.model import EnvName, Stack
from bot.domain.module_calls import TERRAFORM_FILES
from bot.domain.selection import POLICY_PATH
from bot.policy import EnvironmentPolicy, RepoPolicy, load_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for on the command line."""

    env: str
    project: str | None
    user: str | None
    """Fills `{user}` in the state key; the login on this machine when left out."""
    pull: int | None
    """Fills `{pull}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A directory with a policy."""

    root: Path
    policy: RepoPolicy

    def environment(self, name: str) -> EnvironmentPolicy:
        """Return an environment; GatewrightError names the choices when there is none."""
        if name not in self.policy.environments:
            choices = ", ".join(self.policy.environments)
            raise GatewrightError(
                f"{self.root / POLICY_PATH} has no environment {name}; the choices are {choices}"
            )
        return self.policy.environment(name)

    def stacks(self, wanted: Wanted) -> tuple[Stack, ...]:
        """Return what is meant, in order of dependency; GatewrightError says what is missing."""
        env = EnvName(self.environment(wanted.env).name)
        names = [project.name for project in self.policy.projects]
        if wanted.project is not None and wanted.project not in names:
            raise GatewrightError(f"there is no project {wanted.project}; the choices are {', '.join(names)}")
        user = (wanted.user or _login()) if self.policy.needs_user(env) else None
        found = self.policy.stacks(f"local/{self.root.name}", pull=wanted.pull, user=user)
        stacks = tuple(
            stack for stack in found if stack.env == env and wanted.project in (None, stack.project)
        )
        if not stacks:
            raise GatewrightError(
                f"the state of {env} belongs to a pull request: say which with --pull NUMBER"
            )
        return stacks

    def root_module(self, stack: Stack) -> Mapping[str, str]:
        """Return file name -> text of the configuration files of a stack's root module. Blocking."""
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
        raise GatewrightError(
            "your user has no name on this machine: say whose state it is with --user NAME"
        ) from None


def find(directory: Path) -> Checkout:
    """Return the checkout around a directory; GatewrightError when there is none, PolicyError for a bad policy.

    Only this checkout's own policy is read, as it lies there: whoever works here could also run Terraform by hand.
    """
    start = directory.resolve()
    for place in (start, *start.parents):
        file = place / POLICY_PATH
        if file.is_file():
            return Checkout(root=place, policy=load_policy(_text(file), path=str(file)))
        if (place / ".git").exists():
            break
    raise GatewrightError(
        f"there is no {POLICY_PATH} in {start} or above it; run this in a checkout of a managed repository"
    )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise GatewrightError(f"{file} cannot be read: {error}") from error
