"""The policy of one repository, with its defaults filled in."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.core.errors import PolicyError
from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey
from bot.domain.environments.parity import Allowance
from bot.domain.trees.selection import POLICY_PATH, PolicyPart
from bot.policy.environment import EnvironmentPolicy, environment_policy
from bot.policy.file import EnvironmentEntry, PolicyFile, ProjectEntry, TimeoutsEntry
from bot.policy.refreshes import DataRefresh
from bot.policy.rules import dependency_order, key_template, twin_pairs, without_user
from bot.policy.thresholds import GroupsEntry
from bot.policy.verify import CommandCheck
from bot.ports import Engine

_USER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoPolicy:
    """A valid `gatewright.yaml`."""

    file: PolicyFile
    digest: str
    """SHA-256 of the content; comments, order and spelling of the YAML do not change it."""

    @property
    def engine(self) -> Engine:
        """Which program runs, in exactly which version."""
        return Engine(name=self.file.terraform.engine, version=self.file.terraform.version)

    @property
    def environments(self) -> tuple[EnvName, ...]:
        """Names in the order of the file."""
        return tuple(EnvName(name) for name in self.file.environments)

    @property
    def projects(self) -> tuple[ProjectEntry, ...]:
        """Projects, each after those that it depends on."""
        by_name = {project.name: project for project in self.file.projects}
        order = dependency_order({name: one.depends_on for name, one in by_name.items()})
        return tuple(by_name[name] for name in order or by_name)

    @property
    def branches(self) -> tuple[str, ...]:
        """Base branches that are served besides the default one."""
        return self.file.branches

    def serves(self, base: str, *, default_branch: str) -> bool:
        """Whether pull requests into a branch are planned and applied."""
        # Other branches may have no protection at all.
        return base in (default_branch, *self.branches)

    @property
    def merge_requires(self) -> tuple[EnvName, ...]:
        """Environments that must be applied or unchanged before `gatewright/apply` is green."""
        return tuple(EnvName(name) for name in self.file.merge_requires)

    @property
    def plan_expires_seconds(self) -> float:
        """How long a plan can be applied."""
        return self.file.plan_expires.total_seconds()

    @property
    def timeouts(self) -> TimeoutsEntry:
        """Time limits of runs; None where the server's own holds."""
        return self.file.timeouts

    @property
    def thresholds(self) -> GroupsEntry:
        """Thresholds of the workflow gates."""
        return self.file.thresholds

    @property
    def asks_for_parity(self) -> bool:
        """Whether each push gets a check run that compares twins."""
        return self.file.parity.check and bool(self.twins)

    @property
    def allowed_differences(self) -> tuple[Allowance, ...]:
        """Intended differences between twins."""
        return tuple(
            Allowance(
                environments=frozenset(EnvName(name) for name in each.environments),
                difference=each.difference,
                reason=each.reason,
            )
            for each in self.file.parity.allowed
        )

    @property
    def twins(self) -> tuple[tuple[EnvName, EnvName], ...]:
        """Each pair once, in the order of the file; the environment that names the other is first."""
        return tuple((EnvName(one), EnvName(other)) for one, other in twin_pairs(self.file))

    @property
    def oncall(self) -> tuple[str, str] | None:
        """Organisation and slug of the team whose members may apply a revert."""
        return self.file.oncall

    @property
    def trusted_pushers(self) -> tuple[str, ...]:
        """Logins of bots whose pushes need no known person."""
        return self.file.trusted_pushers

    def environment(self, name: str) -> EnvironmentPolicy:
        """Return an environment with its defaults filled in, or raise PolicyError."""
        if name not in self.file.environments:
            choices = ", ".join(self.file.environments)
            raise PolicyError(
                (f"{POLICY_PATH}: there is no environment {name} any more; the choices are {choices}",)
            )
        return environment_policy(EnvName(name), self.file)

    def refresh_of(self, name: str) -> DataRefresh | None:
        """Return how data is copied into an environment; None where it is not, or if unknown."""
        return self.environment(name).data_refresh if name in self.file.environments else None

    def is_shared(self, stack: Stack) -> bool:
        """Whether all pull requests share the state there, so that they must wait."""
        return "{pull}" not in key_template(self.file, stack.env)

    def needs_user(self, environment: str) -> bool:
        """Whether the state keys of an environment contain a user."""
        return "{user}" in key_template(self.file, environment)

    def stacks(self, repo: str, *, pull: int | None = None, user: str | None = None) -> tuple[Stack, ...]:
        """Return every stack, by environment, then in order of dependency; local ones too.

        A stack whose key needs a pull request or a user that is not given is left out; a `{user}` that is a
        whole part of the key is dropped instead. Raises PolicyError for a user that cannot be part of a key.
        """
        return tuple(
            stack
            for name in self.environments
            for project in self.projects
            if (stack := self._stack(repo, name, project, pull, user)) is not None
        )

    def stack(
        self, repo: str, env: str, project: str, *, pull: int | None = None, user: str | None = None
    ) -> Stack:
        """Return one stack, or raise PolicyError where the policy has it no longer."""
        for stack in self.stacks(repo, pull=pull, user=user):
            if (stack.env, stack.project) == (env, project):
                return stack
        raise PolicyError((f"{POLICY_PATH}: there is no stack of {env} and project {project} here",))

    def when_modified(self) -> dict[tuple[EnvName, ProjectName], tuple[str, ...]]:
        """Return the patterns of the stacks that have their own."""
        # The environment's patterns replace those of the project.
        patterns = {
            (EnvName(name), ProjectName(project.name)): (
                project.when_modified if entry.when_modified is None else entry.when_modified
            )
            for name, entry in self.file.environments.items()
            for project in self.file.projects
        }
        return {key: globs for key, globs in patterns.items() if globs is not None}

    def with_patterns(self, stack: Stack, more: Sequence[str]) -> dict[str, Any]:
        """Return the part of the file with these patterns added to a stack's `when_modified`."""
        own = self.file.environments[stack.env].when_modified
        project = next(each for each in self.projects if each.name == stack.project)
        # Patterns replace the default, so the directory must be named too.
        whole = "**" if project.dir == "." else f"{project.dir}/**"
        before = own if own is not None else project.when_modified
        patterns = [*((whole,) if before is None else before), *more]
        if own is not None:
            return {"environments": {stack.env: {"when_modified": patterns}}}
        return {"projects": [{"name": project.name, "dir": project.dir, "when_modified": patterns}]}

    def part_for(self, stack: Stack) -> PolicyPart:
        """Return what of this policy is part of a stack's inputs, in all its environments."""
        engine = self.engine
        canonical = json.dumps({"engine": engine.name, "version": engine.version, "dir": stack.directory})
        files = (
            _var_file(entry, project.name)
            for entry in self.file.environments.values()
            for project in self.file.projects
        )
        named = {globs for (_, name), globs in self.when_modified().items() if name == stack.project}
        return PolicyPart(
            canonical=canonical,
            var_files=frozenset(path for path in files if path),
            patterns=(*sorted(named), *((path,) for path in self._programs(stack.directory))),
        )

    def _programs(self, directory: str) -> tuple[str, ...]:
        """Return the files that checks after an apply name outside of a project's directory.

        Those checks run in the tree of the release, which holds what its inputs count and nothing else.
        """
        words = (
            word.rpartition("=")[2]
            for entry in self.file.environments.values()
            for check in entry.verify
            if isinstance(check, CommandCheck)
            for word in check.command
        )
        paths = (
            posixpath.normpath(posixpath.join(directory, word)) for word in words if ".." in word.split("/")
        )
        return tuple(sorted({path for path in paths if path.split("/")[0] not in {"", ".."}}))

    def _stack(
        self, repo: str, env: EnvName, project: ProjectEntry, pull: int | None, user: str | None
    ) -> Stack | None:
        key = _state_key(key_template(self.file, env), project.name, pull, user)
        if key is None:
            return None
        return Stack(
            repo=repo,
            project=ProjectName(project.name),
            env=env,
            state_key=key,
            directory=project.dir,
            var_file=_var_file(self.file.environments[env], project.name),
        )


def _state_key(template: str, project: str, pull: int | None, user: str | None) -> StateKey | None:
    key = template.replace("{project}", project)
    if pull is not None:
        key = key.replace("{pull}", str(pull))
    if user is None:
        key = without_user(key)
    elif "{user}" in key:
        if not _USER.fullmatch(user.lower()):
            raise PolicyError((f"the user name {user!r} cannot be part of a state key",))
        key = key.replace("{user}", user.lower())
    return None if "{" in key else StateKey(key)


def _var_file(entry: EnvironmentEntry, project: str) -> str | None:
    return None if entry.var_file is None else entry.var_file.replace("{project}", project)
