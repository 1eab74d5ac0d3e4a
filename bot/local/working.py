"""Planning and applying a stack with the adapters that the bot uses."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import lock_info, read_state
from bot.domain.errors import GatewrightError, TerraformError
from bot.domain.model import Stack
from bot.domain.plan import PlanSummary
from bot.domain.plan_json import summarise
from bot.domain.redaction import Redactor
from bot.domain.sensitive import sensitive_values
from bot.local import words
from bot.local.access import Access, state_store
from bot.local.checkout import Checkout
from bot.local.existing import refuse_shadowing
from bot.local.place import working_place
from bot.ports import PlanOutput, Slot, Stop, Terraform, TerraformJob
from bot.services.jobs import Purpose, bounded

Say = Callable[[str], None]
"""Called with one line, or a text of several."""
Confirm = Callable[[str], bool]
"""Asks a question; True for yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """One command on a checkout."""

    checkout: Checkout
    access: Access
    terraform: Terraform
    say: Say

    async def plan(self, stack: Stack) -> None:
        """Plan, and tell state, counts and risk; it changes nothing."""
        async with self._stack(stack) as (slot, states):
            holder = await lock_info(states, stack.state_key)
            if holder is not None:
                self.say(f"the state is locked by {holder}: it may change while it is planned")
            await self._plan(stack, slot)

    async def apply(self, stack: Stack, confirm: Confirm) -> bool:
        """Plan, ask, and apply exactly that plan; whether the stack is now as it shall be."""
        backend = self.access.backend(stack, "apply")
        async with self._stack(stack) as (slot, states):
            holder = await lock_info(states, stack.state_key)
            if holder is not None:
                raise GatewrightError(words.locked(holder, stack, backend))
            output, summary = await self._plan(stack, slot)
            if not summary.has_changes:
                self.say("nothing to apply")
                return True
            if not confirm(f"Apply this to {stack.label}?"):
                self.say("nothing was applied")
                return False
            return await self._apply(stack, slot, output)

    @asynccontextmanager
    async def _stack(self, stack: Stack) -> AsyncIterator[tuple[Slot, S3ObjectStore]]:
        """Hold the place of a stack, and tell its state before and after, however it ends."""
        backend = self.access.backend(stack, "plan")
        states = state_store(backend)
        try:
            with working_place(self.access.settings.local_dir, self.checkout.root, stack) as slot:
                self.say(words.where(stack, backend))
                now, _ = await read_state(states, stack.state_key)
                self.say(words.state_line("before", now))
                if now.serial is None:
                    refuse_shadowing(self.checkout, stack, backend)
                yield slot, states
                self.say(words.state_line("after", (await read_state(states, stack.state_key))[0]))
        finally:
            await states.close()

    async def _plan(self, stack: Stack, slot: Slot) -> tuple[PlanOutput, PlanSummary]:
        redactor = self.access.redactor(stack.env)
        with _interruptible() as stop:
            # Terraform prints values before anybody knows which are secret, so the plan is shown when it is made.
            job = self._job(stack, slot, "plan", redactor=redactor, stop=stop, on_line=_unheard)
            try:
                output = await self.terraform.plan(job, ())
            except TerraformError as error:
                self.say(error.log_tail)
                raise
        summary = summarise(output.json, output.text, arguments=(), warnings=output.warnings, redact=redactor)
        for line in words.plan_lines(summary):
            self.say(line)
        return output, summary

    async def _apply(self, stack: Stack, slot: Slot, planned: PlanOutput) -> bool:
        redactor = self.access.redactor(stack.env).with_more(sensitive_values(planned.json))
        with _interruptible() as stop:
            job = self._job(stack, slot, "apply", redactor=redactor, stop=stop, on_line=self.say)
            output = await self.terraform.apply(job, planned.plan_file)
        for line in words.applied_lines(output):
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


def _unheard(_: str) -> None:
    """Take a line that is not shown."""


@contextmanager
def _interruptible() -> Iterator[Stop]:
    """Have Ctrl+C end Terraform in order, with its state saved, instead of leaving it behind."""
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
