"""Plans and applies a stack of a checkout with the server's adapters."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import lock_info, read_state
from bot.adapters.workspace.cleaning import empty
from bot.domain.core.errors import GatewrightError, NeedsInitError, TerraformError
from bot.domain.core.model import Stack
from bot.domain.plans.plan import PlanSummary
from bot.domain.plans.plan_json import summarise
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import sensitive_values
from bot.local import words
from bot.local.access import Access, state_store
from bot.local.checkout import Checkout
from bot.local.existing import refuse_shadowing
from bot.local.place import keep_lock_file, lay_out, working_place
from bot.local.source import working_tree
from bot.local.tree import loose_tree
from bot.ports import PlanOutput, Slot, Stop, Terraform, TerraformJob
from bot.services.planning.omissions import explained
from bot.services.runs.credentials import Purpose
from bot.services.runs.plan_inputs import Inputs, checked_inputs
from bot.services.runs.terraform_jobs import bounded
from bot.services.stacks.plannable import refuse_unplannable_files
from bot.services.stacks.touched import MergedTree, input_tree

Say = Callable[[str], None]
"""Prints a text of one or more lines."""
Confirm = Callable[[str], bool]
"""Asks a question; returns whether the answer is yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A local command on a checkout."""

    checkout: Checkout
    access: Access
    terraform: Terraform
    say: Say

    async def plan(self, stack: Stack) -> PlanSummary:
        """Plan, print state, counts and risk, and return the plan; changes nothing."""
        async with self._stack(stack) as (slot, states, tree):
            holder = await lock_info(states, stack.state_key)
            if holder is not None:
                self.say(f"the state is locked by {holder}: it may change during the plan")
            _, summary = await self._plan(stack, slot, tree, await self._inputs(stack))
        return summary

    async def apply(self, stack: Stack, confirm: Confirm) -> bool:
        """Plan, ask, and apply that plan; returns whether the stack is up to date."""
        backend = self.access.backend(stack, "apply")
        async with self._stack(stack) as (slot, states, tree):
            holder = await lock_info(states, stack.state_key)
            if holder is not None:
                raise GatewrightError(words.locked(holder, stack, backend))
            inputs = await self._inputs(stack)
            output, summary = await self._plan(stack, slot, tree, inputs)
            if not summary.has_changes:
                self.say("nothing to apply")
                return True
            if not confirm(f"Apply this to {stack.label}?"):
                self.say("nothing was applied")
                return False
            return await self._apply(stack, slot, output, inputs)

    @asynccontextmanager
    async def _stack(self, stack: Stack) -> AsyncIterator[tuple[Slot, S3ObjectStore, MergedTree]]:
        """Copy a stack into its directory, and print its state before and after."""
        policy, root = self.checkout.policy, self.checkout.root
        backend = self.access.backend(stack, "plan")
        states = state_store(backend)
        try:
            with working_place(self.access.settings.local_dir, root, stack) as slot:
                tree = await working_tree(root)
                await asyncio.to_thread(lay_out, slot, root, input_tree(policy, stack, tree))
                self.say(words.where(stack, backend))
                now, _ = await read_state(states, stack.state_key)
                self.say(words.state_line("before", now))
                if now.serial is None:
                    refuse_shadowing(self.checkout, stack, backend)
                yield slot, states, tree
                self.say(words.state_line("after", (await read_state(states, stack.state_key))[0]))
        finally:
            await states.close()

    async def _inputs(self, stack: Stack) -> Inputs:
        """Check the variables of a stack."""
        # An environment that is only planned here needs no variables for applies.
        applied = self.checkout.environment(stack.env).trigger == "local"
        files = await asyncio.to_thread(self.checkout.root_module, stack)
        return await checked_inputs(
            self.access.credentials, stack, self.checkout.policy.engine, files, applied=applied
        )

    async def _plan(
        self, stack: Stack, slot: Slot, tree: MergedTree, inputs: Inputs
    ) -> tuple[PlanOutput, PlanSummary]:
        redactor = self.access.redactor(stack.env).with_more(inputs.secrets)
        policy = self.checkout.policy
        loose = await asyncio.to_thread(loose_tree, self.checkout.root, stack, policy.part_for(stack))
        await refuse_unplannable_files(loose, policy, stack)
        with _interruptible() as stop:
            # Which values are secret is known only after the plan, so it is printed at its end.
            job = self._job(stack, slot, "plan", redactor=redactor, stop=stop, on_line=_discard)
            try:
                async with explained(self.checkout.policy, stack, tree, slot):
                    output = await self._planned(job)
            except TerraformError as error:
                for line in (error.log_tail, *words.unseen_lines(error.omitted)):
                    self.say(line)
                raise
        if written := keep_lock_file(self.checkout.root, stack, output.lock_file):
            self.say(words.lock_file_line(written))
        summary = summarise(output.json, output.text, arguments=(), warnings=output.warnings, redact=redactor)
        for line in words.plan_lines(summary):
            self.say(line)
        return output, summary

    async def _planned(self, job: TerraformJob) -> PlanOutput:
        try:
            return await self.terraform.plan(job, ())
        except NeedsInitError:
            await asyncio.to_thread(empty, job.slot.data_dir)
            return await self.terraform.plan(job, ())

    async def _apply(self, stack: Stack, slot: Slot, planned: PlanOutput, inputs: Inputs) -> bool:
        redactor = self.access.redactor(stack.env).with_more(
            {*sensitive_values(planned.json), *inputs.secrets}
        )
        with _interruptible() as stop:
            job = self._job(stack, slot, "apply", redactor=redactor, stop=stop, on_line=self.say)
            job = replace(job, ephemeral_variables=inputs.ephemeral)
            output = await self.terraform.apply(job, planned.plan_file, planned.code)
        for line in words.applied_lines(output, slot.tree / stack.directory):
            self.say(line)
        return output.exit_code == 0

    def _job(
        self,
        stack: Stack,
        slot: Slot,
        purpose: Purpose,
        *,
        redactor: Redactor,
        stop: Stop,
        on_line: Say,
    ) -> TerraformJob:
        settings, timeouts = self.access.settings, self.checkout.policy.timeouts
        limit = (
            bounded(settings.plan_timeout_seconds, timeouts.plan)
            if purpose == "plan"
            else bounded(settings.apply_timeout_seconds, timeouts.apply)
        )
        changes = purpose == "apply"
        return TerraformJob(
            slot=slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=self.checkout.policy.engine,
            backend=self.access.backend(stack, purpose),
            environment=self.access.environment(stack.env, purpose),
            redact=redactor,
            timeout=limit,
            on_line=on_line,
            stop=stop,
            keep_fds=(slot.lock_fd,) if changes else (),
            dies_with_parent=not changes,
        )


def _discard(_: str) -> None:
    """Ignore a line."""


@contextmanager
def _interruptible() -> Iterator[Stop]:
    """Let Ctrl+C stop Terraform gracefully, so that it saves its state."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, asked.set)

    async def stop() -> str | None:
        return "you" if asked.is_set() else None

    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
