"""The command line of `gatewright runs` and `gatewright policy`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.console import AsJson, examples, group

EXIT_HELP = "Exit codes: 0 done; 2 wrong usage or input; 4 the database cannot be read."

runs_app = group(
    help="List runs, and show what is recorded of one.",
    epilog=examples("gatewright runs list --env prod --status failed", "gatewright runs timeline RUN"),
)
policy_app = group(
    help="Show the recorded versions of a repository's policy.",
    epilog=examples("gatewright policy versions --repo acme/infra"),
)

_Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run.")]
_Repository = Annotated[str | None, typer.Option("--repo", metavar="OWNER/NAME", help="Repository.")]
_OneRepository = Annotated[
    str | None,
    typer.Option("--repo", metavar="OWNER/NAME", help="Repository; needed where there are several."),
]
_Limit = Annotated[
    str | None,
    typer.Option("--limit", metavar="N", help="Records on a page, at most 200.", show_default="50"),
]
_Project = Annotated[str | None, typer.Option("-p", "--project", metavar="NAME", help="Project.")]
_Env = Annotated[str | None, typer.Option("--env", metavar="ENV", help="Environment.")]
_Pull = Annotated[str | None, typer.Option("--pull", metavar="NUMBER", help="Pull request.")]
_Kind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Such as plan or apply.")]
_Status = Annotated[str | None, typer.Option("--status", metavar="STATUS", help="Such as failed or running.")]
_FailureClass = Annotated[
    str | None, typer.Option("--failure-class", metavar="CLASS", help="Such as TIMEOUT or TERRAFORM.")
]
_Actor = Annotated[str | None, typer.Option("--actor", metavar="LOGIN", help="Who requested it.")]
_Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Requested then or later (ISO 8601; UTC).")
]
_Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Requested before.")]
_CorrelationId = Annotated[
    str | None, typer.Option("--correlation-id", metavar="ID", help="Caused by the same delivery.")
]
_ReleaseCandidate = Annotated[
    str | None, typer.Option("--release-candidate", metavar="COMMIT", help="Commit that was run.")
]
_HasRiskSummary = Annotated[
    str | None,
    typer.Option("--has-risk-summary", metavar="true|false", help="Whether its plan's risk is recorded."),
]
_Before = Annotated[
    str | None, typer.Option("--before", metavar="RUN", help="Runs older than this one: the next page.")
]


def _epilog(*lines: str) -> str:
    return EXIT_HELP + "\n\n" + examples(*lines)


@runs_app.command(
    name="list",
    epilog=_epilog(
        "gatewright runs list",
        "gatewright runs list --env prod --failure-class TIMEOUT --since 2026-01-31",
        "gatewright runs list --has-risk-summary false --json | jq -r '.runs[].id'",
    ),
)
def list_runs(
    *,
    repo: _Repository = None,
    project: _Project = None,
    env: _Env = None,
    pull: _Pull = None,
    kind: _Kind = None,
    status: _Status = None,
    failure_class: _FailureClass = None,
    actor: _Actor = None,
    since: _Since = None,
    until: _Until = None,
    correlation_id: _CorrelationId = None,
    release_candidate: _ReleaseCandidate = None,
    has_risk_summary: _HasRiskSummary = None,
    before: _Before = None,
    limit: _Limit = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Several filters must all fit.
    """
    given = dict(locals())
    # Imported here and below so that a command's help does not load the database.
    from bot.cli.run_records import show_runs  # noqa: PLC0415 - see above
    from bot.services.run_records.filters import NAMES  # noqa: PLC0415 - see above

    wanted = {name: value for name, value in given.items() if name in NAMES and value is not None}
    raise typer.Exit(show_runs(wanted, as_json=as_json))


@runs_app.command(name="show", epilog=_epilog("gatewright runs show RUN", "gatewright runs show RUN --json"))
def show_run(run: _Run, *, as_json: AsJson = False) -> None:
    """Show a run with its risk, gates and artifacts."""
    from bot.cli.run_records import show_one_run  # noqa: PLC0415 - see above

    raise typer.Exit(show_one_run(run, as_json=as_json))


@runs_app.command(name="timeline", epilog=_epilog("gatewright runs timeline RUN"))
def timeline(run: _Run, *, as_json: AsJson = False) -> None:
    """Show when a run changed its status, and why."""
    from bot.cli.run_records import show_timeline  # noqa: PLC0415 - see above

    raise typer.Exit(show_timeline(run, as_json=as_json))


@policy_app.command(name="versions", epilog=_epilog("gatewright policy versions --repo acme/infra --json"))
def policy_versions(
    *,
    repo: _OneRepository = None,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="DIGEST", help="Versions older than this one: the next page."),
    ] = None,
    limit: _Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the valid versions of a repository's policy, newest first."""
    from bot.cli.run_records import show_policies  # noqa: PLC0415 - see above

    raise typer.Exit(show_policies(repo, before=before, limit=limit, as_json=as_json))


@policy_app.command(
    name="show",
    epilog=_epilog("gatewright policy show --repo acme/infra", "gatewright policy show DIGEST > old.yaml"),
)
def policy_show(
    digest: Annotated[
        str | None, typer.Argument(metavar="DIGEST", help="A version.", show_default="the one in force")
    ] = None,
    *,
    repo: _OneRepository = None,
    as_json: AsJson = False,
) -> None:
    """Print a version of a repository's policy."""
    from bot.cli.run_records import show_policy  # noqa: PLC0415 - see above

    raise typer.Exit(show_policy(repo, digest, as_json=as_json))
