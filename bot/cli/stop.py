"""`gatewright stop` and `go`: block and allow all applies of a server."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from bot.cli.databases import open_database
from bot.domain.core.accounts import Account, Login
from bot.domain.core.errors import GatewrightError
from bot.domain.gates.freezes import Hold, HoldCause
from bot.settings import Settings


def operator() -> Account:
    """Return the user on this machine, for the audit log."""
    try:
        return Account(login=Login(getpass.getuser()), id=None)
    except (OSError, KeyError):  # In a container the user may have no name.
        return Account(login=Login("operator"), id=None)


async def stop(settings: Settings, reason: str) -> str:
    """Block all new applies; returns the result in a sentence."""
    database = await open_database(settings)
    hold = Hold(repo=None, env=None, cause=HoldCause.STOP, reason=reason, by=operator(), since=_now())
    try:
        async with database.write() as writer:
            await writer.add_hold(hold)
            await writer.mark_all_unshown(_now())
    finally:
        await database.close()
    return (
        f"Applies are blocked until `gatewright go` (database {settings.database_label})."
        " Applies that are running continue."
    )


async def go(settings: Settings) -> str:
    """Allow applies again; GatewrightError where they are not blocked."""
    database = await open_database(settings)
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
        raise GatewrightError(f"no stop to lift in {settings.database_label}")
    reasons = "; ".join(f"{hold.reason} ({hold.by}, {hold.since:%Y-%m-%d %H:%M} UTC)" for hold in stops)
    return f"Applies are allowed again (database {settings.database_label}). They were blocked for: {reasons}"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command has no Clock port
