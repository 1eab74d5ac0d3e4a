"""The command line of `gatewright baseline` and `gatewright report`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import settings as settings_module
from bot.cli.console import examples, group, note, show
from bot.cli.report_files import EXIT_CODES, EXIT_HELP, UsageError, verify, write_report
from bot.domain.core.errors import GatewrightError

if TYPE_CHECKING:
    from bot.cli.baseline_report import Options

_USAGE, _ERROR = 2, 4

baseline_app = group(help="Measure the runs of an environment.")
report_app = group(help="Check report files.")

_Env = Annotated[str, typer.Option("--env", metavar="ENV", help="Environment.")]
_Repository = Annotated[
    str | None,
    typer.Option("--repo", metavar="OWNER/NAME", help="Repository; needed where there are several."),
]
_Project = Annotated[
    str | None, typer.Option("-p", "--project", metavar="NAME", help="Project; all where left out.")
]
_Days = Annotated[int, typer.Option("--days", metavar="N", min=1, max=366, help="Days up to now.")]
_Gate = Annotated[
    bool, typer.Option("--gate", help="End with the exit code of the limits; otherwise always 0.")
]
_Thresholds = Annotated[
    list[str] | None,
    typer.Option("--threshold", metavar="METRIC=LIMIT", help="Limit of a metric; may be repeated."),
]
_ThresholdsFile = Annotated[
    Path | None,
    typer.Option("--thresholds-file", metavar="FILE", help="Limits, shaped as the policy's `thresholds`."),
]
_Defaults = Annotated[
    bool, typer.Option("--use-default-gate-thresholds", help="Default limits for metrics without any.")
]
_ReportDir = Annotated[Path, typer.Option("--report-dir", metavar="DIR", help="Where the report is written.")]
_ReportFile = Annotated[
    Path | None,
    typer.Option("--report-file", metavar="FILE", help="Its file.", show_default="baseline.json in DIR"),
]


@baseline_app.callback()
def baseline() -> None:
    """Measure the runs of an environment."""


@report_app.callback()
def report() -> None:
    """Check report files."""


@baseline_app.command(
    name="report",
    epilog=EXIT_HELP
    + "\n\n"
    + examples(
        "gatewright baseline report --env staging",
        "gatewright baseline report --env staging --days 30 --gate --use-default-gate-thresholds",
        "gatewright baseline report --env prod --gate --threshold failedRate=0.05",
    ),
)
def baseline_report(
    *,
    env: _Env,
    repo: _Repository = None,
    project: _Project = None,
    days: _Days = 7,
    gate: _Gate = False,
    threshold: _Thresholds = None,
    thresholds_file: _ThresholdsFile = None,
    use_defaults: _Defaults = False,
    report_dir: _ReportDir = Path("logs"),
    report_file: _ReportFile = None,
) -> None:
    """Write the rates and latencies of an environment's applies and verifications."""
    from bot.cli.baseline_report import Options  # noqa: PLC0415 - loads the database

    options = Options(
        repo=repo,
        project=project,
        env=env,
        days=days,
        thresholds=threshold or [],
        thresholds_file=thresholds_file,
        use_defaults=use_defaults,
    )
    outcome = _guarded(lambda: _write_baseline(options, report_dir, report_file))
    raise typer.Exit(outcome if gate or outcome in {_USAGE, _ERROR} else 0)


def _write_baseline(options: Options, report_dir: Path, report_file: Path | None) -> int:
    """Write the report; returns the exit code of its limits."""
    from bot.cli.baseline_report import make_report  # noqa: PLC0415 - loads the database
    from bot.reports.kinds import KINDS  # noqa: PLC0415 - as above

    reading = settings_module.read()
    reading.require("database_url", "data_dir")
    made = asyncio.run(make_report(reading.settings, options))
    kind = KINDS[made.kind]
    path = write_report(report_file or report_dir / kind.file, made.to_bytes())
    show(kind.section(made, kind.data.model_validate(made.data)))
    show(str(path))
    return EXIT_CODES[made.outcome]


@report_app.command(
    name="verify", epilog=EXIT_HELP + "\n\n" + examples("gatewright report verify logs/baseline.json")
)
def report_verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of reports.")],
) -> None:
    """Check form, schema, sums and age of report files, without a database.

    Names the first fault of each file.
    """

    def work() -> int:
        lines, holds = verify(files)
        for line in lines:
            show(line)
        return 0 if holds else 1

    raise typer.Exit(_guarded(work))


def _guarded(work: Callable[[], int]) -> int:
    """Return the exit code of the work; an expected error is one line on standard error."""
    try:
        return work()
    except UsageError as error:
        note(f"error: {error}")
        return _USAGE
    except GatewrightError as error:
        note(f"error: {error}")
        return _ERROR
