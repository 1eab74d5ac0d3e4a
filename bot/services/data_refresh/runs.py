"""Copying data from one environment to another.

A command of the policy, run where Terraform would run.

It runs in the same queue as the changes of its state, one at a time. A command may have begun to replace data, so one
that was interrupted is not repeated automatically; its schedule starts the next one.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GatewrightError, StoreError, TerraformStoppedError
from bot.domain.core.model import FailureClass, Repo, Run, RunId, RunStatus, Stack, StateIdentity
from bot.domain.core.retries import Retries
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import scalars
from bot.domain.state.facts import StateFacts, state_facts
from bot.policy import DataRefresh
from bot.ports import Backend, Clock, GitHub, GitTree, Records, Slot, Terraform, TerraformJob, Workspace
from bot.ports.terraform import TIMED_OUT
from bot.services.data_refresh.turns import PUT_OFF, RefreshTurns
from bot.services.runs.credentials import Credentials
from bot.services.runs.failures import describe, status_of
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_execution import execute
from bot.services.runs.terraform_jobs import TerraformJobs, bounded
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.touched import Trees

SOURCE, TARGET = "GATEWRIGHT_SOURCE", "GATEWRIGHT_TARGET"
"""Variables that name the source and the target environment for the command."""
SOURCE_OUTPUTS, TARGET_OUTPUTS = "GATEWRIGHT_SOURCE_OUTPUTS", "GATEWRIGHT_TARGET_OUTPUTS"
"""Variables with the paths of their outputs: JSON, output -> `value` and `sensitive`."""
_FAILED: Final = FailureClass.POLICY


class StateAccess(Protocol):
    """States as one purpose of one environment reaches them."""

    async def read(self, backend: Backend) -> tuple[StateIdentity, bytes | None]:
        """Return a state's identity and its bytes; `None` everywhere if there is no state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refresh:
    """A refresh with everything that was read for it."""

    run: Run
    repo: Repo
    loaded: LoadedPolicy
    wanted: DataRefresh
    target: Stack
    outputs: StateFacts
    """Of the source."""
    own_outputs: StateFacts
    redactor: Redactor = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshing:
    """Runs of kind `data_refresh`."""

    records: Records
    github: GitHub
    policies: Policies
    turns: RefreshTurns
    trees: Trees
    workspace: Workspace
    terraform: Terraform
    states: StateAccess
    owners: StateOwners
    credentials: Credentials
    completion: RunCompletion
    jobs: TerraformJobs
    clock: Clock
    retries: Retries = field(default_factory=Retries)
    """Retries of records that are written after the command has ended."""

    async def execute(self, run_id: RunId) -> None:
        """Run the command, and record how it ended.

        One that was begun before is never started again.
        """
        await execute(self.completion, run_id, self._refresh, why="reading the outputs")

    async def _refresh(self, run: Run) -> None:
        if run.intent_at is not None:
            said = "The server was interrupted while the command ran; it is not repeated automatically."
            await self._end(run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, said, {})
            return
        repo = await self.github.repository(run.stack.repo)
        loaded = await self.policies.load(repo)
        wanted = loaded.policy.environment(run.stack.env).data_refresh
        if wanted is None:
            await self._put_off(run, "the policy asks for it no more")
            return
        target = loaded.policy.stack(repo.full_name, run.stack.env, wanted.project)
        source = loaded.policy.stack(repo.full_name, wanted.source, wanted.project)
        await self.owners.claim(target, source)
        try:
            outputs, own = await self._outputs(source), await self._outputs(target)
        except StoreError as error:
            # It is not tried again at once: the applies of the state would have to wait for that.
            said = f"The outputs cannot be read with what plans may read: {str(error).rstrip('.')}."
            await self._end(run, RunStatus.FAILED, FailureClass.STATE, said, {})
            return
        if outputs is None:
            said = f"{source.label} has no state yet, so there is nothing to copy from."
            await self._end(run, RunStatus.FAILED, FailureClass.STATE, said, {})
            return
        refresh = _Refresh(
            run=run,
            repo=repo,
            loaded=loaded,
            wanted=wanted,
            target=target,
            outputs=outputs,
            own_outputs=own or StateFacts(),
            redactor=self.credentials.redactor(target.env).with_more(
                {*_secrets(outputs), *_secrets(own or StateFacts())}
            ),
        )
        await self._in_turn(refresh)

    async def _in_turn(self, refresh: _Refresh) -> None:
        """Lock the environment's states on this machine, and refresh if nothing is in the way."""
        run, target = refresh.run, refresh.target
        stacks = refresh.loaded.policy.stacks(refresh.repo.full_name)
        async with AsyncExitStack() as held:
            for stack in stacks:
                if stack.env == target.env:
                    await held.enter_async_context(
                        self.workspace.state_lock(stack.state_key, exclusive=False)
                    )
            async with self.records.read() as reader:
                obstacle = await self.turns.obstacle(reader, target)
            if obstacle is not None:
                await self._put_off(run, obstacle)
                return
            tip = refresh.loaded.commit
            tree = await self.trees.moved(refresh.repo, refresh.repo.default_branch, before=tip, after=tip)
            slot = await held.enter_async_context(self.workspace.slot(target))
            await self.workspace.lay_out(slot, GitTree(repo=refresh.repo, tree=tree.merge.tree))
            await self._run(refresh, slot)

    async def _run(self, refresh: _Refresh, slot: Slot) -> None:
        run, wanted = refresh.run, refresh.wanted
        async with self.records.write() as writer:
            at, why = self.clock.now(), f"copying from {wanted.source}"
            await writer.record_intent(run.id, at)
            await writer.move_run(run.id, RunStatus.RUNNING, at=at, actor=SELF, why=why)
        files = {
            SOURCE_OUTPUTS: _as_json(refresh.outputs),
            TARGET_OUTPUTS: _as_json(refresh.own_outputs),
        }
        try:
            code, _ = await self.terraform.run_beside(self._job(refresh, slot), wanted.command, files=files)
        except GatewrightError as error:
            said = (
                "The command was stopped."
                if isinstance(error, TerraformStoppedError)
                else "The command could not be run."
            )
            await self._end(run, status_of(error), error.failure_class, said, describe(error))
            return
        took = f"after {(self.clock.now() - at).total_seconds():.0f} s"
        if code == 0:
            said = f"The data of {wanted.source} was copied; the command ended {took}."
            await self._end(run, RunStatus.SUCCEEDED, None, said, {"exit_code": 0})
        elif code == TIMED_OUT:
            said = f"The command was stopped {took}: its time was over."
            await self._end(run, RunStatus.TIMED_OUT, FailureClass.TIMEOUT, said, {"exit_code": code})
        else:
            said = f"The command ended with exit code {code} {took}."
            await self._end(run, RunStatus.FAILED, _FAILED, said, {"exit_code": code})

    def _job(self, refresh: _Refresh, slot: Slot) -> TerraformJob:
        target, wanted, run = refresh.target, refresh.wanted, refresh.run
        seconds = bounded(self.jobs.limits.apply_timeout, wanted.timeout)
        job = self.jobs.program(
            run, target, refresh.loaded.policy, slot, refresh.redactor, purpose="apply", seconds=seconds
        )
        return replace(
            job,
            var_file=None,
            # What changes data need not be able to change the state.
            backend=self.credentials.backend(target, purpose="plan"),
            environment={**job.environment, SOURCE: wanted.source, TARGET: target.env},
        )

    async def _outputs(self, stack: Stack) -> StateFacts | None:
        """Return the facts of the state, read with plans' key pair; None without a state."""
        _, data = await self.states.read(self.credentials.backend(stack, purpose="plan"))
        return None if data is None else await asyncio.to_thread(state_facts, data)

    async def _put_off(self, run: Run, why: str) -> None:
        said = f"Not begun: {why}."
        await self._end(run, RunStatus.CANCELED, FailureClass.CANCELED, said, {PUT_OFF: True})

    async def _end(
        self,
        run: Run,
        status: RunStatus,
        failure: FailureClass | None,
        summary: str,
        detail: dict[str, Any],
    ) -> None:
        await self.completion.end(run, status, failure, summary, detail, retries=self.retries)


def _secrets(facts: StateFacts) -> set[str]:
    return {text for name in facts.sensitive for text in scalars(facts.outputs[name])}


def _as_json(facts: StateFacts) -> str:
    return json.dumps(
        {
            name: {"value": value, "sensitive": name in facts.sensitive}
            for name, value in facts.outputs.items()
        }
    )
