"""Copying data from one environment to another: a command of the policy, run where Terraform would run.

It runs in the same queue as the changes of its state, one at a time. A command may have begun to replace data, so one
that was cut off is not repeated by itself: the next turn of its schedule comes soon enough.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bot.domain.errors import GatewrightError, StoreError, TerraformStoppedError
from bot.domain.model import FailureClass, Repo, Run, RunId, RunStatus, Stack, StateIdentity
from bot.domain.redaction import Redactor
from bot.domain.retries import Retries
from bot.domain.sensitive import scalars
from bot.domain.state_facts import StateFacts, state_facts
from bot.policy import DataRefresh
from bot.ports import Backend, Clock, GitHub, GitTree, Records, Slot, Terraform, TerraformJob, Workspace
from bot.ports.terraform import TIMED_OUT
from bot.services.beginnings import begin
from bot.services.endings import Endings
from bot.services.failures import describe, status_of
from bot.services.jobs import Credentials, Limits, LineSink, RunLogs, StopOnRequest, bounded
from bot.services.policies import LoadedPolicy, Policies
from bot.services.refresh_turns import PUT_OFF, RefreshTurns
from bot.services.stacks import Trees
from bot.services.state_owners import StateOwners

SOURCE, TARGET = "GATEWRIGHT_SOURCE", "GATEWRIGHT_TARGET"
"""Variables that tell the command which environments they are."""
SOURCE_OUTPUTS, TARGET_OUTPUTS = "GATEWRIGHT_SOURCE_OUTPUTS", "GATEWRIGHT_TARGET_OUTPUTS"
"""Variables that tell it where their outputs are: a JSON object, output -> `value` and `sensitive`."""
_FAILED: Final = FailureClass.POLICY


class StateAccess(Protocol):
    """States as one purpose of one environment reaches them."""

    async def read(self, backend: Backend) -> tuple[StateIdentity, bytes | None]:
        """Return what the state says of itself and its bytes; `None` everywhere when there is no state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refresh:
    """What is to be done, with everything that was read for it."""

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
    endings: Endings
    logs: RunLogs
    limits: Limits
    clock: Clock
    retries: Retries = field(default_factory=Retries)
    """Of what is recorded after the command has ended."""

    async def execute(self, run_id: RunId) -> None:
        """Run the command, and record how it ended. One that was begun before is never started again."""
        run = await begin(self.records, run_id, self.clock, why="reading the outputs")
        if run is None:
            return
        if run.intent_at is not None:
            said = "The server was interrupted while the command ran; it is not repeated by itself."
            await self._end(run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, said, {})
            return
        try:
            await self._refresh(run)
        except GatewrightError as error:
            if error.passing:
                raise
            said = (str(error).split("\n", 1)[0] or type(error).__name__)[:500]
            await self._end(run, status_of(error), error.failure_class, said, describe(error))

    async def _refresh(self, run: Run) -> None:
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
        """Keep this machine's applies of the whole environment out, look whether it is free, and do it."""
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
            await writer.move_run(run.id, RunStatus.RUNNING, at=at, actor="gatewright", why=why)
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
        return TerraformJob(
            slot=slot,
            directory=target.directory,
            var_file=None,
            engine=refresh.loaded.policy.engine,
            # What changes data need not be able to change the state.
            backend=self.credentials.backend(target, purpose="plan"),
            environment={
                **self.credentials.environment(target.env, purpose="apply"),
                SOURCE: wanted.source,
                TARGET: target.env,
            },
            redact=refresh.redactor,
            timeout=bounded(self.limits.apply_timeout, wanted.timeout),
            on_line=LineSink(self.logs.open(run.id), refresh.redactor),
            stop=StopOnRequest(records=self.records, run_id=run.id),
        )

    async def _outputs(self, stack: Stack) -> StateFacts | None:
        """Return what a state declares, read with what plans of its environment may read; None without a state."""
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
        await self.endings.end(run, status, failure, summary, detail, retries=self.retries)


def _secrets(facts: StateFacts) -> set[str]:
    return {text for name in facts.sensitive for text in scalars(facts.outputs[name])}


def _as_json(facts: StateFacts) -> str:
    return json.dumps(
        {
            name: {"value": value, "sensitive": name in facts.sensitive}
            for name, value in facts.outputs.items()
        }
    )
