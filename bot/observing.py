"""Observe deliveries and runs: log context, spans, counters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass

from bot.domain.core.model import DeliveryId, RunId
from bot.engine.config import Call, OnLost
from bot.logs import working_on
from bot.ports import Records
from bot.ports.tracing import Tracer
from bot.services.runs.measuring import Measuring


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """Wraps what the engine calls."""

    records: Records
    tracer: Tracer
    measuring: Measuring
    count_lost: Callable[[str], None]
    """Given a workflow's name."""

    def delivery(self, call: Callable[[DeliveryId], Awaitable[str | None]]) -> Call:
        """Observe a call that handles a delivery and returns its outcome."""

        async def observed(argument: str) -> None:
            async with self.records.read() as reader:
                delivery = await reader.delivery(DeliveryId(argument))
            repo, pull = (delivery.repo, delivery.pull) if delivery else (None, None)
            event = delivery.event if delivery else None
            with ExitStack() as stack:
                stack.enter_context(working_on(delivery_id=argument, repo=repo, pull=pull))
                stack.enter_context(
                    self.tracer.span("delivery", delivery_id=argument, repo=repo, pull=pull, event=event)
                )
                self.measuring.handled(await call(DeliveryId(argument)))

        return observed

    def lost(self, call: OnLost) -> OnLost:
        """Count each workflow that failed for good."""

        async def observed(workflow: str, argument: str, error: str) -> None:
            self.count_lost(workflow)
            await call(workflow, argument, error)

        return observed

    def run(self, name: str, call: Callable[[RunId], Awaitable[None]], *, ends: bool) -> Call:
        """Observe a call on a run; the call that `ends` runs counts them as well."""

        async def observed(argument: str) -> None:
            facts = await self._facts(RunId(argument))
            with ExitStack() as stack:
                stack.enter_context(working_on(**facts))
                stack.enter_context(self.tracer.span(name, **facts))
                await call(RunId(argument))
                if ends:
                    await self.measuring.ended(RunId(argument))

        return observed

    async def _facts(self, run_id: RunId) -> dict[str, str | int | None]:
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None:
            return {"run_id": run_id}
        return {
            "run_id": run_id,
            "delivery_id": run.correlation_id,
            "repo": run.stack.repo,
            "pull": run.pull,
            "env": run.stack.env,
            "kind": run.kind,
        }
