"""The command line: `gatewright serve | worker | migrate | doctor | playground | local …`."""

from __future__ import annotations

import asyncio
import json
import platform
import sys
from collections.abc import Coroutine
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from bot import settings as settings_module
from bot.cli.app import app as register_app
from bot.cli.baseline import baseline_app, report_app
from bot.cli.console import AsJson, examples, group, note, show, show_json, show_usage_error
from bot.cli.local import app as local_app
from bot.cli.runs import policy_app, runs_app
from bot.cli.state import app as state_app
from bot.domain.core.errors import GatewrightError

app = group(
    name="gatewright",
    help="Plans, gates and applies Terraform from pull-request comments.",
    epilog=examples(
        "gatewright playground         try everything on this machine",
        "gatewright doctor             check settings, GitHub, stores and tools",
        "gatewright serve              run the server",
        "gatewright local plan dev     plan this checkout",
    ),
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        show(f"gatewright {installed_version('gatewright')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Plans, gates and applies Terraform from pull-request comments."""


def main() -> None:
    """Run the command line; an expected failure is one line on standard error."""
    try:
        code = app(prog_name="gatewright", standalone_mode=False)
    except TyperException as error:
        code = show_usage_error(error)
    except typer.Abort:
        note("error: canceled")
        code = 1
    except GatewrightError as error:
        note(f"error: {error}")
        code = 1
    sys.exit(code)


def _run(work: Coroutine[Any, Any, int]) -> None:
    raise typer.Exit(asyncio.run(work))


@app.command(
    epilog=examples(
        "gatewright serve              web and work in one process",
        "gatewright serve --web-only   with `gatewright worker` processes beside it",
    )
)
def serve(
    *,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="Accept webhooks and serve pages only; workers run the jobs.")
    ] = False,
) -> None:
    """Serve webhooks and pages, and run queued work.

    SIGTERM or SIGINT stops it, after applies that are running.
    """
    # Imported here and below so that a command loads only what it needs.
    from bot.server import Role, run_forever  # noqa: PLC0415 - see above

    settings, secrets = settings_module.load()
    _run(run_forever(settings, secrets, Role.WEB_ONLY if web_only else Role.SERVE))


@app.command(epilog=examples("gatewright worker"))
def worker() -> None:
    """Run queued work beside other processes.

    Needs PostgreSQL. SIGTERM or SIGINT stops it, after applies that are running.
    """
    from bot.server import Role, run_forever  # noqa: PLC0415 - see above

    settings, secrets = settings_module.load()
    _run(run_forever(settings, secrets, Role.WORKER))


@app.command(
    epilog=examples(
        "gatewright migrate                   update the database",
        "gatewright migrate --status          exit code 1 if an update is needed",
        "gatewright migrate --status --json",
    )
)
def migrate(
    *,
    status: Annotated[bool, typer.Option("--status", help="Show the schema version and exit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Update the database schema to this version.

    There is no way back to an older schema. Only GATEWRIGHT_DATABASE_URL or GATEWRIGHT_DATA_DIR is required.
    """
    from bot.cli import migrate as schemas  # noqa: PLC0415 - see above

    settings = _database_settings()
    found = schemas.database_status(settings) if status else schemas.migrate_database(settings)
    if as_json:
        show_json(schemas.status_json(settings, found))
    else:
        show(schemas.status_line(settings, found))
    raise typer.Exit(1 if found.pending else 0)


@app.command(
    epilog=examples(
        "gatewright export --output audit.jsonl",
        "gatewright export --since 2026-01-31 --repo acme/infra | jq .record",
    )
)
def export(
    *,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only records from this time on (ISO 8601; UTC by default)."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only records before this time.")] = None,
    repo: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Only records of this repository.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write.", show_default="standard output")
    ] = None,
) -> None:
    """Export the audit log (who did what and when) as JSON Lines.

    docs/audit.schema.json describes a line. Only GATEWRIGHT_DATABASE_URL or GATEWRIGHT_DATA_DIR is required.
    """
    from bot.cli.export import Request, write_audit  # noqa: PLC0415 - see above

    reading = settings_module.read()
    reading.require("database_url", "data_dir")
    request = Request(since=since, until=until, repo=repo, output=output)
    count = asyncio.run(write_audit(reading.settings, reading.secrets, request))
    note(f"{count} record{'' if count == 1 else 's'} from {reading.settings.database_label}")


@app.command(hidden=True)
def audit_schema() -> None:
    """Print the JSON Schema of an exported line."""
    from bot.cli.export import schema as line_schema  # noqa: PLC0415 - see above

    sys.stdout.write(json.dumps(line_schema(), indent=2, sort_keys=True) + "\n")


@app.command(epilog=examples('gatewright stop "AWS is down"', "gatewright go"))
def stop(
    reason: Annotated[
        str, typer.Argument(metavar="REASON", help="Why; shown to everyone who tries to apply.")
    ],
) -> None:
    """Block all new applies on this server until `gatewright go`.

    Only GATEWRIGHT_DATABASE_URL or GATEWRIGHT_DATA_DIR is required.
    """
    from bot.cli.stop import stop as block  # noqa: PLC0415 - see above

    show(asyncio.run(block(_database_settings(), reason)))


@app.command(epilog=examples("gatewright go"))
def go() -> None:
    """Allow applies again after `gatewright stop`.

    The exit code is 1 if applies were not blocked. Only GATEWRIGHT_DATABASE_URL or GATEWRIGHT_DATA_DIR is required.
    """
    from bot.cli.stop import go as unblock  # noqa: PLC0415 - see above

    show(asyncio.run(unblock(_database_settings())))


@app.command(
    epilog=examples(
        "gatewright doctor",
        "gatewright doctor --json | jq '.[] | select(.grade == \"error\")'",
    )
)
def doctor(*, as_json: AsJson = False) -> None:
    """Check settings, GitHub, stores and tools.

    The exit code is 1 if there is an error; warnings do not change it.
    """
    from bot.doctor.examination import examine  # noqa: PLC0415 - see above
    from bot.doctor.report import findings_json, show_findings  # noqa: PLC0415 - see above

    findings = asyncio.run(examine(settings_module.read()))
    if as_json:
        show_json(findings_json(findings))
    else:
        show_findings(findings, Console(soft_wrap=True, highlight=False))
    raise typer.Exit(1 if any(finding.grade == "error" for finding in findings) else 0)


@app.command(epilog=examples("gatewright version", "gatewright version --json"))
def version(*, as_json: AsJson = False) -> None:
    """Show the version."""
    if as_json:
        show_json({"version": installed_version("gatewright"), "python": platform.python_version()})
    else:
        show(f"gatewright {installed_version('gatewright')}")


app.add_typer(register_app, name="app")
app.add_typer(local_app, name="local")
app.add_typer(state_app, name="state")
app.add_typer(baseline_app, name="baseline")
app.add_typer(report_app, name="report")
app.add_typer(runs_app, name="runs")
app.add_typer(policy_app, name="policy")


@app.command(
    epilog=examples(
        "gatewright playground                 open it in a browser; Ctrl+C stops it",
        "gatewright playground --script        play the demo; exit code 1 if a step fails",
        "gatewright playground --reset         start over",
    )
)
def playground(
    *,
    script: Annotated[bool, typer.Option("--script", help="Play the demo without a browser.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Delete the data of earlier starts first.")] = False,
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where the playground keeps its data.")
    ] = Path(".playground"),
    port: Annotated[
        int, typer.Option(metavar="PORT", help="Port of the pull-request page; 0 for any free port.")
    ] = 8470,
) -> None:
    """Try everything on this machine.

    Starts a stand-in GitHub, an S3 server, the bot and Terraform.
    """
    try:
        from bot.playground.command import play  # noqa: PLC0415 - needs packages of its own
    except ImportError as error:
        raise GatewrightError(
            f"the playground needs the package {error.name}: install it with `pipx install --force"
            " 'gatewright[playground]'`, or run `make playground` in a checkout"
        ) from error
    _run(play(directory=directory, script=script, reset=reset, port=port))


@app.command(hidden=True)
def schema() -> None:
    """Print the JSON Schema of gatewright.yaml."""
    from bot.policy import json_schema  # noqa: PLC0415 - see above

    sys.stdout.write(json.dumps(json_schema(), indent=2, sort_keys=True) + "\n")


def _database_settings() -> settings_module.Settings:
    """Return the settings; SettingsError only where those of the database are wrong."""
    # An operator of the database need not have the server's secrets.
    reading = settings_module.read()
    reading.require("database_url", "data_dir")
    return reading.settings
