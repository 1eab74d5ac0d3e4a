"""`terraform init`, run only where it is needed, and proved to have set up Gatewright's own backend."""

from __future__ import annotations

import asyncio

from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform import warmth
from bot.adapters.terraform.argv import FLAG
from bot.adapters.terraform.paths import read_regular
from bot.adapters.terraform.session import Session

SKIPPED = "Initialisation skipped: the data directory was initialised for the same inputs."
REPEATED = (
    "The data directory was not usable after all: it is initialised from nothing, and the plan is repeated."
)


async def initialise_for_plan(session: Session) -> bool:
    """Initialise where needed, from nothing where the data directory cannot be trusted; whether it ran."""
    data = session.here.data
    if await asyncio.to_thread(_is_ready, session):
        if not await asyncio.to_thread(warmth.has_moving_modules, data):
            session.job.on_line(SKIPPED)
            return False
        # A branch or a version range may mean something newer today than when it was fetched.
        await asyncio.to_thread(warmth.wipe, data, only_modules=True)
    elif not await asyncio.to_thread(_is_sound, session):
        await asyncio.to_thread(warmth.wipe, data)
    await _initialise(session)
    return True


async def initialise_for_apply(session: Session) -> bool:
    """Initialise where needed, but keep the modules that were there at plan time; whether it ran."""
    if await asyncio.to_thread(_is_ready, session):
        session.job.on_line(SKIPPED)
        return False
    await _initialise(session)
    return True


async def initialise_from_nothing(session: Session) -> None:
    """Initialise after a command has shown that the data directory is not what it seemed to be."""
    session.job.on_line(REPEATED)
    await asyncio.to_thread(warmth.wipe, session.here.data)
    await _initialise(session)


async def _initialise(session: Session) -> None:
    data, module = session.here.data, session.module
    warmth.forget(data)
    locked = read_regular(module / warmth.LOCK_FILE) is not None
    step = await session.run(
        "init",
        data_writable=True,
        # Whatever backend an earlier run left behind, nothing is ever migrated.
        options={"reconfigure": FLAG, "input": False, "lockfile": "readonly" if locked else None},
    )
    step.raise_if_failed()
    await asyncio.to_thread(state_backend.verify, data, session.backend)
    await asyncio.to_thread(lambda: warmth.write_memo(data, _digest(session)))


def _is_ready(session: Session) -> bool:
    data = session.here.data
    return warmth.is_warm(data, session.module, _digest(session)) and _is_sound(session)


def _is_sound(session: Session) -> bool:
    """Whether the last init came to its end here and for this very backend."""
    data = session.here.data
    return warmth.read_memo(data) is not None and state_backend.is_recorded(data, session.backend)


def _digest(session: Session) -> str:
    engine = session.job.engine
    return warmth.inputs_digest(
        session.here.tree,
        session.module,
        session.here.data,
        backend=state_backend.override_text(session.backend),
        engine=(engine.name, engine.version),
    )
