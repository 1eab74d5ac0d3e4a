"""Make the table of the command line from the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from bot.cli.main import app
from tests.docs.generate import table


def command_line() -> str:
    """Return the table of all commands, subcommands included."""
    rows = [(f"`gatewright {name}`", help_) for name, help_ in _commands(typer.main.get_command(app), "")]
    return table(("Command", "What it does"), rows)


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, each in group.commands.items():
        if each.hidden:
            continue
        if hasattr(each, "commands"):
            yield from _commands(each, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", " ".join((each.help or "").split("\n\n")[0].split())
