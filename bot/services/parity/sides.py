"""Collect the facts of one twin; the values of its variables are never read."""

from __future__ import annotations

import asyncio
import posixpath
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Repo, Sha, Stack
from bot.domain.environments import parity_facts
from bot.domain.environments.parity import SET, Side, Topic
from bot.domain.releases.release import Release
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.ports import Records, Workspace
from bot.ports.sources import History
from bot.services.runs.credentials import Credentials, Purpose
from bot.services.stacks.releases import Sources
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.states import States
from bot.services.stacks.touched import MergedTree

_VARIABLE = "TF_VAR_"
_PURPOSES: tuple[Purpose, ...] = ("plan", "apply")
_REMEMBERED = 64
_Read = TypeVar("_Read")
_Facts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The tree of the repository in which twins are compared."""

    repo: Repo
    tree: MergedTree
    commit: Sha
    """The name of the tree for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    stack: Stack
    env: EnvironmentPolicy
    code: Code
    release: Release | None
    """The release in place; None if Gatewright has applied nothing."""

    @property
    def is_local(self) -> bool:
        return self.env.trigger == "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Reads var files from the code, and all else from the release in place, if any."""

    records: Records
    workspace: Workspace
    history: History
    sources: Sources
    states: States
    owners: StateOwners
    credentials: Credentials
    _texts: OrderedDict[tuple[str, str], _Facts] = field(default_factory=OrderedDict, repr=False)
    """Cache of the sources that were read last."""

    async def read(self, stack: Stack, code: Code, policy: RepoPolicy) -> Side:
        """Return the known facts, and for the rest why they are unknown."""
        env = policy.environment(stack.env)
        async with self.records.read() as reader:
            newest = [] if env.trigger == "local" else await reader.releases(stack, limit=1)
        release = newest[0] if newest else None
        asked = _Asked(stack=stack, env=env, code=code, release=release)
        in_file = await _or_why(f"the var file of {stack.env} cannot be read", self._in_var_file(asked))
        files = await _or_why(f"the source of {stack.env} cannot be read", self._files(asked))
        serial, counts = await self._counted(asked)
        given = self._given(stack)
        engine = f"{policy.engine.name} {policy.engine.version}" if release is None else release.engine
        known: dict[Topic, _Facts | str] = {
            Topic.VARIABLES: in_file if isinstance(in_file, str) else dict.fromkeys(in_file | given, SET),
            Topic.ENGINE: {"engine": engine},
            Topic.PROVIDERS: files
            if isinstance(files, str)
            else await asyncio.to_thread(_providers, files, asked),
            Topic.MODULES: files
            if isinstance(files, str)
            else await asyncio.to_thread(parity_facts.called_modules, files),
            Topic.RESOURCES: counts,
        }
        return Side(
            stack=stack,
            facts={topic: facts for topic, facts in known.items() if not isinstance(facts, str)},
            unknown={topic: why for topic, why in known.items() if isinstance(why, str)},
            only_given=given if isinstance(in_file, str) else given - in_file,
            is_local=asked.is_local,
            never_applied=counts == _never(stack),
            commit=code.commit if release is None else release.head_sha,
            applied_at=None if release is None else release.recorded_at,
            inputs_digest=None if release is None else release.inputs_digest,
            fetched_digest=None if release is None else release.fetched_digest,
            serial=serial,
        )

    def _given(self, stack: Stack) -> frozenset[str]:
        """Return the variables that the operator's settings set for plans or applies."""
        return frozenset(
            f"var.{name.removeprefix(_VARIABLE)}"
            for purpose in _PURPOSES
            for name in self.credentials.environment(stack.env, purpose=purpose)
            if name.startswith(_VARIABLE)
        )

    async def _in_var_file(self, asked: _Asked) -> frozenset[str] | str:
        path, code = asked.stack.var_file, asked.code
        if path is None:
            return frozenset()
        blob = code.tree.files.get(path)
        if blob is None:
            return f"{path} is not there"
        texts = await self.workspace.read_blobs(code.repo, [blob])
        return await asyncio.to_thread(parity_facts.variables_set, path, texts[blob])

    async def _files(self, asked: _Asked) -> _Facts:
        """Return name -> text of the files of the root module."""
        release, code, directory = asked.release, asked.code, asked.stack.directory
        if release is None:
            here = {
                posixpath.basename(path): blob
                for path, blob in code.tree.files.items()
                if (posixpath.dirname(path) or ".") == directory and parity_facts.is_code(path)
            }
            texts = await self.workspace.read_blobs(code.repo, sorted(set(here.values())))
            return {name: texts[blob] for name, blob in here.items()}
        key = (release.source_digest, directory)
        if key not in self._texts:
            texts = await self.history.bundle_texts(await self.sources.fetch(release), directory)
            self._texts[key] = {name: text for name, text in texts.items() if parity_facts.is_code(name)}
            while len(self._texts) > _REMEMBERED:
                self._texts.popitem(last=False)
        return self._texts[key]

    async def _counted(self, asked: _Asked) -> tuple[int | None, _Facts | str]:
        """Return the state's serial and its resource counts, or why they are unknown."""
        name = asked.stack.env
        if asked.is_local:
            return None, f"{name} is on developers' machines"
        if await self.owners.refusal([asked.stack]) is not None:
            return None, f"the state of {name} belongs to others"
        read = await _or_why(f"the state of {name} cannot be read", self.states.read(asked.stack.state_key))
        if isinstance(read, str):
            return None, read
        state, data = read
        if data is None:
            return None, _never(asked.stack)
        counts = await asyncio.to_thread(parity_facts.resource_counts, data)
        if not counts and asked.env.lifecycle != "permanent":
            return state.serial, f"{name} is not put up now"
        return state.serial, counts


def _never(stack: Stack) -> str:
    return f"{stack.env} was never applied"


def _providers(files: _Facts, asked: _Asked) -> _Facts | str:
    """Return the providers.

    A release has the lock file of its plan, which the code may lack.
    """
    lock = files.get(parity_facts.LOCK_FILE)
    if lock is None and asked.release is None and parity_facts.asks_for_providers(files):
        return f"no {parity_facts.LOCK_FILE} is committed for {asked.stack.env}"
    return parity_facts.locked_providers(lock or "")


async def _or_why(failed: str, reading: Awaitable[_Read]) -> _Read | str:
    try:
        return await reading
    except GatewrightError as error:
        return f"{failed} ({str(error).rstrip('.')})"
