"""One module per command and per family of events; this page lists them all.

Dispatch reads these tables from top to bottom; nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.context import Answer, Bot, Request
from bot.domain.commands import Command, CommandSpec
from handlers import (
    allow,
    apply,
    cancel,
    destroy,
    drift,
    gates,
    help,  # noqa: A004 - the module is named as its command
    hold,
    import_,
    override,
    parity,
    plan,
    rerun,
    revert,
    smoke,
    state_restore,
    state_rm,
    status,
    unhold,
    unlock,
)

CommandHandler = Callable[[Command, Request, Bot], Awaitable[list[Answer]]]

COMMANDS: tuple[tuple[CommandSpec, CommandHandler], ...] = (
    (plan.SPEC, plan.handle),
    (apply.SPEC, apply.handle),
    (revert.SPEC, revert.handle),
    (destroy.SPEC, destroy.handle),
    (allow.SPEC, allow.handle),
    (gates.SPEC, gates.handle),
    (smoke.SPEC, smoke.handle),
    (drift.SPEC, drift.handle),
    (parity.SPEC, parity.handle),
    (import_.SPEC, import_.handle),
    (state_rm.SPEC, state_rm.handle),
    (status.SPEC, status.handle),
    (cancel.SPEC, cancel.handle),
    (unlock.SPEC, unlock.handle),
    (rerun.SPEC, rerun.handle),
    (override.SPEC, override.handle),
    (state_restore.SPEC, state_restore.handle),
    (hold.SPEC, hold.handle),
    (unhold.SPEC, unhold.handle),
    (help.SPEC, help.handle),
)

SPECS: tuple[CommandSpec, ...] = tuple(spec for spec, _ in COMMANDS)
