"""The slash commands, in the order in which `/help` shows them; one module each."""

from __future__ import annotations

from typing import Protocol

from bot.context import Answer, Bot, Request
from bot.domain.commands.parser import Command, CommandSpec
from handlers.commands import (
    allow,
    apply,
    cancel,
    destroy,
    drift,
    gates,
    help,  # noqa: A004 - the name of the command
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


class CommandModule(Protocol):
    """The contents of a module in `handlers/commands/`."""

    SPEC: CommandSpec

    async def handle(self, command: Command, request: Request, bot: Bot, /) -> list[Answer]:
        """Execute a command that meets its spec."""
        ...


COMMANDS: tuple[CommandModule, ...] = (
    plan,
    apply,
    revert,
    destroy,
    allow,
    gates,
    smoke,
    drift,
    parity,
    import_,
    state_rm,
    status,
    cancel,
    unlock,
    rerun,
    override,
    state_restore,
    hold,
    unhold,
    help,
)

SPECS: tuple[CommandSpec, ...] = tuple(module.SPEC for module in COMMANDS)
