"""The command line of `gatewright local`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot.domain.errors import GatewrightError

app = typer.Typer(
    help="Plan and apply on this machine what lies in this checkout, exactly as the server would.",
    no_args_is_help=True,
)
_out = Console(soft_wrap=True, highlight=False)

_Env = Annotated[str, typer.Argument(metavar="ENV", help="An environment of gatewright.yaml.")]
_Project = Annotated[str | None, typer.Option("-p", "--project", help="Only this project.")]
_User = Annotated[
    str | None, typer.Option(help="Fills `{user}` in the state key; left out: your login on this machine.")
]
_Pull = Annotated[int | None, typer.Option(min=1, help="Fills `{pull}` in the state key.")]
_Directory = Annotated[Path, typer.Option("--dir", help="Somewhere in the checkout.")]
_EnvFile = Annotated[
    Path | None, typer.Option(help="Settings and credentials; left out: `.env` in the checkout.")
]


@app.command()
def plan(
    env: _Env,
    *,
    project: _Project = None,
    user: _User = None,
    pull: _Pull = None,
    directory: _Directory = Path(),
    env_file: _EnvFile = None,
) -> None:
    """Show what an apply would do, and serial and lineage of the state; changes nothing, in any environment."""
    from bot.local import command  # noqa: PLC0415 - the other commands need not load it
    from bot.local.checkout import Wanted  # noqa: PLC0415 - as above

    _run(
        command.plan(
            command.Place(directory=directory, env_file=env_file),
            Wanted(env=env, project=project, user=user, pull=pull),
            _say,
        )
    )


@app.command()
def apply(
    env: _Env,
    *,
    project: _Project = None,
    user: _User = None,
    pull: _Pull = None,
    directory: _Directory = Path(),
    env_file: _EnvFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Plan, ask, and apply exactly that plan; only environments with `trigger: local`."""
    from bot.local import command  # noqa: PLC0415 - as above
    from bot.local.checkout import Wanted  # noqa: PLC0415 - as above

    _run(
        command.apply(
            command.Place(directory=directory, env_file=env_file),
            Wanted(env=env, project=project, user=user, pull=pull),
            _say,
            _agreed if yes else _confirm,
        )
    )


@app.command()
def down(env: _Env, *, directory: _Directory = Path()) -> None:
    """Stop the local dependencies of an environment, with the program that its `down` names."""
    from bot.local import command  # noqa: PLC0415 - as above

    _run(command.down(command.Place(directory=directory, env_file=None), env, _say))


def _say(text: str) -> None:
    _out.print(text, markup=False)


def _agreed(_: str) -> bool:
    return True


def _confirm(question: str) -> bool:
    if not sys.stdin.isatty():
        raise GatewrightError("there is no terminal to ask on; `--yes` applies without asking")
    return typer.confirm(question)


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))
