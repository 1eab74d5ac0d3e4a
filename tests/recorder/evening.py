"""One evening: the organisation is checked, experiments are played one after the other, and their answers kept."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bot.adapters.github.credentials import AppCredential
from bot.adapters.github.options import Options, Waits
from bot.adapters.github.sending import Sender
from bot.domain.core.errors import GitHubError, WorkspaceError
from bot.domain.core.write_buckets import WriteLimits
from bot.ports import Clock
from tests.recorder.arrival import PREFIX, admit, settle_in
from tests.recorder.lab import Lab
from tests.recorder.model import Experiment, Json, Need, Recording, read
from tests.recorder.plan import Plan
from tests.recorder.redaction import Redaction
from tests.recorder.settings import RecorderSettings
from tests.recorder.summary import summary
from tests.recorder.table import EXPERIMENTS
from tests.recorder.terminal import Person
from tests.recorder.wire import BudgetError, Holder, RecordingTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the evening is given from outside; `limits` None writes as fast as it can."""

    clock: Clock
    waits: Waits
    person: Person
    limits: WriteLimits | None


async def play(plan: Plan, settings: RecorderSettings, tools: Tools) -> list[Recording]:
    """Play the experiments; returns the recordings, which are also written as files."""
    async with _opened(plan, settings, tools) as lab:
        await admit(plan, lab)
        try:
            await settle_in(plan, settings, lab)
            recordings = await _record_all(plan, settings, lab)
        finally:
            await _leave(plan, lab)
    if recordings:
        _summarise(plan.directory)
    return recordings


def _summarise(directory: Path) -> None:
    """Write what all recordings say, also those of earlier evenings."""
    kept = [read(path) for path in sorted(directory.glob("*.json"))]
    (directory / "README.md").write_text(summary(kept), encoding="utf-8")


@asynccontextmanager
async def _opened(plan: Plan, settings: RecorderSettings, tools: Tools) -> AsyncIterator[Lab]:
    options = Options(base_url=settings.api_url, user_agent="gatewright-recorder", write_limits=tools.limits)
    author = Holder(scope="author", value=settings.token.get_secret_value())
    reviewer = settings.reviewer_token
    key = settings.app_key_file.read_text(encoding="utf-8") if settings.app_key_file else ""
    app = AppCredential(settings.app_id, key, tools.clock) if settings.app_id and key else None
    with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
        async with aiohttp.ClientSession() as session:
            wire = RecordingTransport(session, options, tools.waits, most=plan.most_requests)
            sender = Sender(wire, tools.clock, options, tools.waits)
            yield Lab(
                wire=wire,
                sender=sender,
                clock=tools.clock,
                waits=tools.waits,
                person=tools.person,
                redaction=Redaction([author.value, reviewer.get_secret_value() if reviewer else "", key]),
                author=author,
                organisation=plan.organisation,
                reviewer=Holder(scope="reviewer", value=reviewer.get_secret_value()) if reviewer else None,
                app=app,
                second=settings.second_repository or "",
                directory=Path(directory),
            )
            await sender.stop()


async def _record_all(plan: Plan, settings: RecorderSettings, lab: Lab) -> list[Recording]:
    recordings = []
    for name in plan.only or EXPERIMENTS:
        experiment = EXPERIMENTS[name]
        missing = [need.value for need in experiment.needs if not _has(need, plan, lab)]
        if missing:
            lab.person.say(f"{name}: skipped, it needs {', '.join(missing)}")
            continue
        lab.person.say(f"{name}: {experiment.question}")
        try:
            recordings.append(await _record(experiment, settings, lab))
        except BudgetError as error:
            lab.person.say(f"{name}: stopped, {error}")
            break
        # An answer of another shape than was expected ends its experiment alone.
        except (GitHubError, WorkspaceError, LookupError, TypeError, ValueError) as error:
            lab.person.say(f"{name}: not recorded, {lab.redaction.text(str(error))}")
            continue
        recordings[-1].write(plan.directory)
    return recordings


def _has(need: Need, plan: Plan, lab: Lab) -> bool:
    return {
        Need.REVIEWER: lab.reviewer is not None,
        Need.APP: lab.app is not None,
        Need.SECOND: bool(lab.second),
        Need.PERMIT: plan.with_limits,
    }[need]


async def _record(experiment: Experiment, settings: RecorderSettings, lab: Lab) -> Recording:
    lab.wire.exchanges.clear()
    lab.asked.clear()
    findings = await experiment.run(lab)
    clean = lab.redaction.clean
    return Recording(
        name=experiment.name,
        question=experiment.question,
        api_url=settings.api_url,
        recorded_at=lab.clock.now().date().isoformat(),
        facts=clean(findings.facts),
        measured=clean(findings.measured),
        asked=clean(lab.asked),
        exchanges=_distinct([clean(asdict(each)) for each in lab.wire.exchanges]),
    )


def _distinct(exchanges: Sequence[Json]) -> list[Json]:
    """Leave out what was asked and answered before in the same words: most of it is waiting."""
    return [each for number, each in enumerate(exchanges) if each not in exchanges[:number]]


async def _leave(plan: Plan, lab: Lab) -> None:
    """Delete what this evening made where that was wanted; else say what is left."""
    # What was made can be deleted also where all requests are spent.
    lab.wire.most = lab.wire.sent + 3 * len(lab.made)
    for path in lab.made:
        if not plan.delete:
            lab.person.say(f"left behind: {path} (--delete deletes what a run has made)")
            continue
        done = await lab.ask("DELETE", path)
        lab.person.say(f"deleting {path}: GitHub answered {done.status}")
