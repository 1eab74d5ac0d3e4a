"""The command line of `gatewright local`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.console import AsJson, examples, group, note, show, show_json
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Stack
from bot.domain.plans.plan import PlanSummary

app = group(
    help="Plan and apply this checkout on this machine.",
    epilog=examples("gatewright local plan dev", "gatewright local apply dev", "gatewright local down dev"),
)

_Env = Annotated[str, typer.Argument(metavar="ENV", help="An environment of gatewright.yaml.")]
_Project = Annotated[str | None, typer.Option("-p", "--project", metavar="NAME", help="Only this project.")]
_User = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Value of `{user}` in the state key.", show_default="your login"),
]
_Pull = Annotated[
    int | None, typer.Option(min=1, metavar="NUMBER", help="Value of `{pull}` in the state key.")
]
_Directory = Annotated[Path, typer.Option("--dir", metavar="DIR", help="A directory of the checkout.")]
_EnvFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="File with settings and credentials.",
        show_default=".env of the checkout",
    ),
]


@app.command(
    epilog=examples(
        "gatewright local plan dev",
        "gatewright local plan staging --project network",
        "gatewright local plan test --pull 12",
        "gatewright local plan dev --json | jq '.[].counts'",
    )
)
def plan(
    env: _Env,
    *,
    project: _Project = None,
    user: _User = None,
    pull: _Pull = None,
    directory: _Directory = Path(),
    env_file: _EnvFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an apply would change.

    Also shows serial and lineage of the state. Nothing is changed.
    """
    # Imported here and below so that other commands need not load it.
    from bot.local import command, words  # noqa: PLC0415 - see above
    from bot.local.checkout import Wanted  # noqa: PLC0415 - see above

    place = command.Place(directory=directory, env_file=env_file)
    wanted = Wanted(env=env, project=project, user=user, pull=pull)
    if not as_json:
        _run(command.plan(place, wanted, show))
    plans: list[dict[str, Any]] = []

    def on_plan(stack: Stack, summary: PlanSummary) -> None:
        plans.append(words.plan_json(stack, summary))

    # Progress goes to stderr, not into the JSON.
    asyncio.run(command.plan(place, wanted, note, on_plan))
    show_json(plans)


@app.command(epilog=examples("gatewright local apply dev", "gatewright local apply dev --yes"))
def apply(
    env: _Env,
    *,
    project: _Project = None,
    user: _User = None,
    pull: _Pull = None,
    directory: _Directory = Path(),
    env_file: _EnvFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Apply without confirmation.")] = False,
) -> None:
    """Plan, ask for confirmation, and apply that plan.

    Only environments with `trigger: local` are applied from a checkout.
    """
    from bot.local import command  # noqa: PLC0415 - see above
    from bot.local.checkout import Wanted  # noqa: PLC0415 - see above

    # Check before a plan that may take minutes.
    if not yes and not sys.stdin.isatty():
        raise GatewrightError("not a terminal: pass --yes to apply without confirmation")
    _run(
        command.apply(
            command.Place(directory=directory, env_file=env_file),
            Wanted(env=env, project=project, user=user, pull=pull),
            show,
            _confirmed if yes else typer.confirm,
        )
    )


@app.command(epilog=examples("gatewright local down dev"))
def down(env: _Env, *, directory: _Directory = Path()) -> None:
    """Stop the local dependencies of an environment.

    Runs the program that `down` of the environment names.
    """
    from bot.local import command  # noqa: PLC0415 - see above

    _run(command.down(command.Place(directory=directory, env_file=None), env, show))


def _confirmed(_: str) -> bool:
    return True


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))
