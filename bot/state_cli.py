"""The command line of `gatewright state`."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Final

import typer

from bot import settings as settings_module
from bot.domain.errors import GatewrightError

app = typer.Typer(help="Look after the states that this server keeps.", no_args_is_help=True)
_RECORDS: Final = ("database_url", "data_dir", "state_bucket")
_STORE: Final = ("s3_endpoint_url", "s3_region", "s3_access_key_id", "s3_secret_access_key")


@app.callback()
def _group() -> None:
    """Look after the states that this server keeps."""


@app.command()
def owner(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Key of a state; all when left out.")
    ] = None,
    *,
    move: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Give the state to this repository.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("-p", "--project", help="With --move: of this project.")
    ] = None,
    env: Annotated[str | None, typer.Option(help="With --move: of this environment.")] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="End the record of a state in which nothing is.")
    ] = False,
) -> None:
    """Tell whose each state is, or change it: a state is planned and applied by its owner alone."""
    from bot import owning  # noqa: PLC0415 - the other commands need not load it

    if (move is not None or forget) and key is None:
        raise GatewrightError("say which state is meant: gatewright state owner KEY …")
    if move is not None and forget:
        raise GatewrightError("--move and --forget exclude each other")
    settings = _settings(*(_STORE if forget else ()))
    if key is not None and move is not None:
        new = owning.NewOwner(repo=move, project=project, env=env)
        lines = [asyncio.run(owning.move(settings, key, new))]
    elif key is not None and forget:
        lines = [asyncio.run(owning.forget(settings, key))]
    else:
        lines = asyncio.run(owning.show(settings, key))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _settings(*more: str) -> settings_module.Settings:
    """Whoever works on the records need not be trusted with what the server knows."""
    reading = settings_module.read()
    reading.require(*_RECORDS, *more)
    return reading.settings
