"""Run `terraform init` if needed, and check that it set up our backend.

It runs before any code of the tree. The fetched code is identified by its content: recorded after init,
outside of the sandbox, and compared before each later use.
"""

from __future__ import annotations

import asyncio

from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform import fetched, warmth
from bot.adapters.terraform.access import INIT
from bot.adapters.terraform.argv import FLAG
from bot.adapters.terraform.paths import read_regular
from bot.adapters.terraform.session import Session
from bot.adapters.untrusted import printable
from bot.domain.core.errors import IntegrityError, UnsafeTreeError
from bot.domain.hcl.sources import module_constraints, unhashed_providers
from bot.domain.plans.fetched import (
    Fetched,
    fetched_digest,
    locked_providers,
    module_contents,
    moving_sources,
)
from bot.ports.terraform import FetchedCode

SKIPPED = "Initialisation skipped: the data directory was initialised for the same inputs."


async def initialise_for_plan(session: Session) -> bool:
    """Initialise where needed, from nothing where the data directory cannot be trusted.

    Return whether it ran.
    """
    data = session.here.data
    if session.job.modules is not None:
        await _initialise_with(session, session.job.modules)
        return True
    moving = await asyncio.to_thread(warmth.has_moving_modules, data)
    if not moving and await asyncio.to_thread(_is_ready, session):
        await asyncio.to_thread(session.note_lock_file)
        session.job.on_line(SKIPPED)
        return False
    # Init keeps existing modules, so changed ones must be removed before; and a branch or a version range may mean
    # something newer today than when it was fetched.
    if not await asyncio.to_thread(_is_trusted, session):
        await asyncio.to_thread(warmth.wipe, data)
    elif moving:
        await asyncio.to_thread(warmth.wipe, data, only_modules=True)
    await _initialise(session)
    return True


async def initialise_for_apply(session: Session, planned: FetchedCode) -> bool:
    """Fetch exactly the code that the plan was made with; return whether init ran.

    Raises IntegrityError if it is not available.
    """
    if await asyncio.to_thread(_is_ready, session):
        await asyncio.to_thread(session.note_lock_file)
        if (await asyncio.to_thread(fetched_by, session)).digest == planned.digest:
            session.job.on_line(SKIPPED)
            return False
    await _initialise_with(session, planned.modules)
    if (await asyncio.to_thread(fetched_by, session)).digest != planned.digest:
        raise IntegrityError(
            "The modules or providers that are there now are not those that the plan was made with, so nothing was"
            " applied."
        )
    return True


def fetched_by(session: Session) -> Fetched:
    """Return the code that the last init fetched; blocking."""
    memo = warmth.read_memo(session.here.data)
    packages = {} if memo is None else memo.content.by_module()
    records = warmth.module_records(session.here.data)
    contents = module_contents(packages, records, str(session.seen.data / fetched.MODULES))
    engine = session.job.engine
    digest = fetched_digest(
        contents, locked_providers(session.lock_file), engine=f"{engine.name} {engine.version}"
    )
    return Fetched(digest=digest, moving=_moving(session))


def _moving(session: Session) -> tuple[str, ...]:
    """Return the modules whose addresses may lead to other code tomorrow.

    No code has run in the tree yet.
    """
    records = warmth.module_records(session.here.data)
    texts: dict[str, str] = {}
    for record in records:
        directory = warmth.directory_on_host(record, session.here, session.seen, session.job.directory)
        if directory is not None:
            texts |= {f"{record.directory}/{name}": text for name, text in warmth.code_texts(directory)}
    return moving_sources(
        records,
        constraints=module_constraints(texts),
        locked=session.lock_file,
        committed=session.committed_lock_file,
    )


def has_modules(session: Session) -> bool:
    """Whether modules were fetched from elsewhere; blocking."""
    memo = warmth.read_memo(session.here.data)
    return memo is not None and bool(memo.content.by_module())


async def _initialise_with(session: Session, modules: bytes | None) -> None:
    """Initialise with modules that were fetched before."""
    data = session.here.data
    await asyncio.to_thread(warmth.forget, data)
    await asyncio.to_thread(warmth.wipe_but_providers, data)
    if modules is not None:
        await asyncio.to_thread(fetched.restore, data, modules)
    await _initialise(session)


async def _initialise(session: Session) -> None:
    data, module = session.here.data, session.module
    warmth.forget(data)
    locked = read_regular(module / warmth.LOCK_FILE) is not None
    step = await session.run(
        "init",
        access=INIT,
        # Whatever backend an earlier run left behind, nothing is ever migrated.
        options={"reconfigure": FLAG, "input": False, "lockfile": "readonly" if locked else None},
    )
    step.raise_if_failed()
    await asyncio.to_thread(_note, session)


def _note(session: Session) -> None:
    """Take down what init has left, before anything else runs."""
    data = session.here.data
    state_backend.verify(data, session.backend)
    session.note_lock_file()
    _refuse_unhashed(session.lock_file)
    fetched.drop_what_git_drops(data)
    warmth.write_memo(data, _digest(session), fetched.taken(data))


def _refuse_unhashed(lock_file: str | None) -> None:
    """Refuse providers that no engine compares with anything.

    An apply could get another program than the plan.
    """
    if unhashed := unhashed_providers(lock_file):
        raise UnsafeTreeError(
            tuple(
                f"`{warmth.LOCK_FILE}`: {printable(address)} has no hash. Write the file again with"
                " `terraform providers lock`, and commit it."
                for address in unhashed
            )
        )


def _is_ready(session: Session) -> bool:
    data = session.here.data
    return warmth.is_warm(data, session.module, _digest(session)) and _is_sound(session)


def _is_sound(session: Session) -> bool:
    """Whether the last init finished here, and for this backend."""
    data = session.here.data
    return warmth.read_memo(data) is not None and state_backend.is_recorded(data, session.backend)


def _is_trusted(session: Session) -> bool:
    """Whether an init may start from the existing data directory."""
    return _is_sound(session) and warmth.is_untouched(session.here.data)


def _digest(session: Session) -> str:
    engine = session.job.engine
    return warmth.inputs_digest(
        session.here.tree,
        session.module,
        session.here.data,
        backend=state_backend.override_text(session.backend),
        engine=(engine.name, engine.version),
    )
