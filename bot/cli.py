"""The command line: `gatewright serve | worker | migrate | doctor | playground | local | state`, and helpers for documentation."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bot import settings as settings_module
from bot.domain.errors import GatewrightError
from bot.local_cli import app as local_app
from bot.state_cli import app as state_app

app = typer.Typer(
    name="gatewright",
    help="Plans, gates and applies Terraform from pull-request comments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - Typer's own way
    if wanted:
        _out.print(f"gatewright {version('gatewright')}", markup=False)
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """Plans, gates and applies Terraform from pull-request comments."""


def main() -> None:
    """Run the command line; an expected failure is one sentence and exit code 1."""
    try:
        app()
    except GatewrightError as error:
        _err.print(f"gatewright: {error}", markup=False)
        sys.exit(1)


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


@app.command()
def serve(
    *,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="Only accept webhooks and serve pages; workers do the work.")
    ] = False,
) -> None:
    """Serve webhooks and run the queued work, until SIGTERM or SIGINT."""
    from bot.server import Role, run_forever  # noqa: PLC0415 - the other commands need not load the whole program

    settings, secrets = settings_module.load()
    _run(run_forever(settings, secrets, Role.WEB_ONLY if web_only else Role.SERVE))


@app.command()
def worker() -> None:
    """Run the queued work beside other processes, until SIGTERM or SIGINT; needs PostgreSQL."""
    from bot.server import Role, run_forever  # noqa: PLC0415 - as above

    settings, secrets = settings_module.load()
    _run(run_forever(settings, secrets, Role.WORKER))


@app.command()
def migrate(
    *, status: Annotated[bool, typer.Option("--status", help="Only tell, change nothing.")] = False
) -> None:
    """Bring the database to this version's schema; it only ever goes forward. It needs no setting but the database's."""
    from bot.server import migrate_database  # noqa: PLC0415 - as above

    message, ok = migrate_database(_database_settings(), status_only=status)
    _out.print(message, markup=False)
    raise typer.Exit(0 if ok else 1)


@app.command()
def export(
    *,
    since: Annotated[
        str | None, typer.Option(help="Only from this time on (ISO 8601, UTC if it does not say).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only before this time.")] = None,
    repo: Annotated[str | None, typer.Option(help="Only about this repository, `owner/name`.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write; left out: standard output.")] = None,
) -> None:
    """Write the audit (who did what and when) as JSON Lines; docs/audit.schema.json describes a line."""
    from bot.exporting import Asked, write_audit  # noqa: PLC0415 - as above

    reading = settings_module.read()
    # What was done is told whoever is served now.
    reading.require(*(name for name in settings_module.Settings.model_fields if name != "repositories"))
    settings, secrets = reading.settings, reading.secrets

    async def report() -> int:
        count = await write_audit(
            settings, secrets, Asked(since=since, until=until, repo=repo, output=output)
        )
        _err.print(f"{count} records", markup=False)
        return 0

    _run(report())


@app.command(hidden=True)
def audit_schema() -> None:
    """Print the JSON Schema of a line of the export."""
    from bot.exporting import schema as line_schema  # noqa: PLC0415 - as above

    sys.stdout.write(json.dumps(line_schema(), indent=2, sort_keys=True) + "\n")


def _database_settings() -> settings_module.Settings:
    """Whoever works on the database need not be trusted with what the server knows, nor wait until that is right."""
    reading = settings_module.read()
    reading.require("database_url", "data_dir")
    return reading.settings


@app.command()
def stop(
    reason: Annotated[
        str, typer.Argument(metavar="REASON", help="Why; everybody who asks for an apply is told.")
    ],
) -> None:
    """Let no apply begin, in any repository, until `gatewright go`. It needs no setting but the database's."""
    from bot.stopping import stop as set_stop  # noqa: PLC0415 - as above

    _out.print(asyncio.run(set_stop(_database_settings(), reason)), markup=False)


@app.command()
def go() -> None:
    """Lift what `gatewright stop` has set; exit code 1 when nothing was stopped."""
    from bot.stopping import go as lift_stop  # noqa: PLC0415 - as above

    message, lifted = asyncio.run(lift_stop(_database_settings()))
    _out.print(message, markup=False)
    raise typer.Exit(0 if lifted else 1)


@app.command()
def doctor() -> None:
    """Check every part, one line each, with what to do; exit code 1 when anything is wrong."""
    from bot.doctor.examination import examine  # noqa: PLC0415 - as above

    async def report() -> int:
        findings = await examine(settings_module.read())
        for finding in findings:
            colour = {"ok": "green", "wrong": "red"}.get(finding.grade, "yellow")
            _out.print(f"[{colour}]{finding.grade:8}[/] {finding.part:22} ", end="")
            _out.print(finding.sentence, markup=False)
        return 1 if any(finding.grade == "wrong" for finding in findings) else 0

    _run(report())


app.add_typer(local_app, name="local")
app.add_typer(state_app, name="state")


@app.command()
def playground(
    *,
    script: Annotated[bool, typer.Option("--script", help="Play the story without a browser.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget what earlier starts left.")] = False,
    directory: Annotated[Path, typer.Option("--dir", help="Where the playground keeps its data.")] = Path(
        ".playground"
    ),
    port: Annotated[int, typer.Option(help="Port of the pull-request page; 0 picks a free one.")] = 8470,
) -> None:
    """Run everything on this machine: a stand-in GitHub, an S3 server, the bot and real Terraform."""
    try:
        from bot.playground.command import play  # noqa: PLC0415 - needs the playground's own requirements
    except ImportError as error:
        raise GatewrightError(
            f"the playground needs its own requirements ({error.name}); run it with `make playground`"
        ) from error
    _run(play(directory=directory, script=script, reset=reset, port=port))


@app.command(hidden=True)
def schema() -> None:
    """Print the JSON Schema of gatewright.yaml."""
    from bot.policy import json_schema  # noqa: PLC0415 - as above

    sys.stdout.write(json.dumps(json_schema(), indent=2, sort_keys=True) + "\n")
