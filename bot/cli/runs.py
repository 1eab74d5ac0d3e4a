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
    project: Annotated[str | None, typer.Option("-p", "--project", metavar="NAME", help="Project.")] = None,
    env: Annotated[str | None, typer.Option("--env", metavar="ENV", help="Environment.")] = None,
    pull: Annotated[str | None, typer.Option("--pull", metavar="NUMBER", help="Pull request.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Such as plan or apply.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATUS", help="Such as failed or running.")
    ] = None,
    failure_class: Annotated[
        str | None, typer.Option("--failure-class", metavar="CLASS", help="Such as TIMEOUT or TERRAFORM.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="LOGIN", help="Who requested it.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Requested then or later (ISO 8601; UTC).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Requested before.")] = None,
    correlation_id: Annotated[
        str | None, typer.Option("--correlation-id", metavar="ID", help="Caused by the same delivery.")
    ] = None,
    release_candidate: Annotated[
        str | None, typer.Option("--release-candidate", metavar="COMMIT", help="Commit that was run.")
    ] = None,
    has_risk_summary: Annotated[
        str | None,
        typer.Option("--has-risk-summary", metavar="true|false", help="Whether its plan's risk is recorded."),
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="RUN", help="Runs older than this one: the next page.")
    ] = None,
    limit: _Limit = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Several filters must all fit.
    """
    # Imported here and below so that a command's help does not load the database.
    from bot.cli.run_records import show_runs  # noqa: PLC0415 - see above

    given = {
        "repo": repo,
        "project": project,
        "env": env,
        "pull": pull,
        "kind": kind,
        "status": status,
        "failure_class": failure_class,
        "actor": actor,
        "since": since,
        "until": until,
        "correlation_id": correlation_id,
        "release_candidate": release_candidate,
        "has_risk_summary": has_risk_summary,
        "before": before,
        "limit": limit,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
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
