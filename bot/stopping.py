"""The operator's stop: nothing is applied anywhere on this server until `gatewright go`."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from bot.adapters.database.records import Database
from bot.domain.holds import Hold, HoldCause
from bot.domain.model import Login
from bot.domain.session_limits import SessionLimits
from bot.settings import Settings


def operator() -> Login:
    """Return who sits at this machine, for the record."""
    try:
        return Login(getpass.getuser())
    except (OSError, KeyError):  # In a container the user may have no name.
        return Login("operator")


async def stop(settings: Settings, reason: str) -> str:
    """Set the stop; returns what to tell the operator."""
    database = _open(settings)
    hold = Hold(repo=None, env=None, cause=HoldCause.STOP, reason=reason, by=operator(), since=_now())
    try:
        async with database.write() as writer:
            await writer.add_hold(hold)
            await writer.mark_all_unshown(_now())
    finally:
        await database.close()
    return "Stopped: no apply begins until `gatewright go`. What is being applied now goes on to its end."


async def go(settings: Settings) -> tuple[str, bool]:
    """Lift every stop; returns what to tell the operator, and whether there was one."""
    database = _open(settings)
    try:
        async with database.write() as writer:
            stops = [hold for hold in await writer.holds() if hold.cause is HoldCause.STOP]
            for hold in stops:
                await writer.lift_hold(hold.number, by=operator(), at=_now(), why="gatewright go")
            if stops:
                await writer.mark_all_unshown(_now())
    finally:
        await database.close()
    if not stops:
        return "Nothing was stopped.", False
    told = "; ".join(f"{hold.reason} ({hold.by}, {hold.since:%Y-%m-%d %H:%M} UTC)" for hold in stops)
    return f"Going again. It had been stopped because of: {told}", True


def _open(settings: Settings) -> Database:
    return Database(settings.database, limits=SessionLimits(takeover_seconds=settings.takeover_seconds))


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command of its own has no Clock to be given
