"""Check runs, commit statuses and deployments."""

from typing import Any

from bot.playground.github.actions.pushes import ensure_suite
from bot.playground.github.check_lifecycle import become_stale, latest
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.hub import Hub
from bot.playground.github.records.checks import CheckRun, CommitStatus, Deployment, DeploymentStatus
from bot.playground.github.records.model import Repo
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes import events

_SETTLED = frozenset({"status", "conclusion", "started_at", "completed_at"})
_PLAIN = ("name", "external_id", "details_url", "status", "conclusion", "started_at", "completed_at")


def check_run_of(hub: Hub, repo: Repo, run_id: int) -> CheckRun:
    """A check run of that repository; 404 when there is none."""
    found = hub.state.data.check_runs.get(run_id)
    if found is None or found.repo != repo.full_name:
        raise not_found()
    _age(hub, repo, [found])
    return found


def create_check_run(hub: Hub, repo: Repo, head_sha: str, fields: dict[str, Any]) -> CheckRun:
    """Make a check run from the fields of GitHub's request."""
    _require_conclusion(fields)
    suite = ensure_suite(hub, repo, head_sha)
    run = CheckRun(
        id=hub.state.large_id(),
        suite_id=suite.id,
        repo=repo.full_name,
        head_sha=head_sha,
        name=fields["name"],
        started_at=stamp(hub.clock()),
        created_at=hub.clock(),
    )
    hub.state.data.check_runs[run.id] = run
    _apply(hub, run, fields)
    events.check_run(hub, repo, run, "created", hub.bot_login)
    return run


def report_check_run(
    hub: Hub, repo: Repo, head_sha: str, *, name: str, conclusion: str, app: str
) -> CheckRun:
    """Report on a commit as another App does.

    Apps that may read checks hear of the check runs of all Apps ("Webhook events and payloads", `check_run`).
    """
    now = hub.clock()
    run = CheckRun(
        id=hub.state.large_id(),
        suite_id=ensure_suite(hub, repo, head_sha, app=app).id,
        repo=repo.full_name,
        head_sha=head_sha,
        name=name,
        started_at=stamp(now),
        created_at=now,
        app=app,
    )
    hub.state.data.check_runs[run.id] = run
    events.check_run(hub, repo, run, "created", f"{app}[bot]")
    _apply(hub, run, {"conclusion": conclusion})
    events.check_run(hub, repo, run, "completed", f"{app}[bot]")
    return run


def update_check_run(hub: Hub, repo: Repo, run: CheckRun, fields: dict[str, Any]) -> CheckRun:
    """Change a check run; annotations add up, the rest is replaced.

    One that is completed stays so with the conclusion that it has: the request is answered with 200, and what it says
    of them changes nothing (tektoncd/pipelines-as-code#998 and #2305, lyft/atlantis#265, Mergifyio/mergify#1989). That
    the conclusion stays as well is what GitHub's staff says of completed and of stale runs
    (github.community/t/stale-check-runs/120566); programs that change it would do no harm here.
    """
    _require_conclusion(fields)
    finished = run.status == "completed"
    if finished:
        fields = {name: value for name, value in fields.items() if name not in _SETTLED}
    _apply(hub, run, fields)
    if run.status == "completed" and not finished:
        events.check_run(hub, repo, run, "completed", hub.bot_login)
    return run


def _require_conclusion(fields: dict[str, Any]) -> None:
    if fields.get("status") == "completed" and not fields.get("conclusion"):
        raise ApiError(422, "Invalid request. conclusion is missing.")


def _apply(hub: Hub, run: CheckRun, fields: dict[str, Any]) -> None:
    for name in _PLAIN:
        if name in fields:
            setattr(run, name, fields[name])
    if "conclusion" in fields:
        run.status = "completed"
        run.completed_at = fields.get("completed_at") or stamp(hub.clock())
    elif fields.get("status") in {"queued", "in_progress"}:
        run.conclusion = run.completed_at = None
    output = fields.get("output")
    if output:
        run.title, run.summary = output.get("title"), output.get("summary")
        run.text = output.get("text")
        run.annotations.extend(output.get("annotations", []))
    if "actions" in fields:
        run.actions = list(fields["actions"])
    hub.state.changed()


def check_runs_of(hub: Hub, repo: Repo, sha: str) -> list[CheckRun]:
    """All check runs of a commit, oldest first."""
    every = hub.state.data.check_runs.values()
    found = [run for run in every if run.repo == repo.full_name and run.head_sha == sha]
    _age(hub, repo, found)
    return found


def _age(hub: Hub, repo: Repo, runs: list[CheckRun]) -> None:
    # "When GitHub marks a check run as stale, a check run webhook event is triggered" (the change log of 2020-02-03).
    for run in become_stale(hub, runs):
        events.check_run(hub, repo, run, "completed", hub.bot_login)


def rerequest_run(hub: Hub, repo: Repo, run: CheckRun, *, by: str) -> None:
    """Press the re-run link of a check run; the App must create a new one."""
    if run.status != "completed":
        # REST, "Rerequest a check run": 422 "if the check run is not rerequestable".
        raise ApiError(422, "This check run is not rerequestable")
    run.rerequested = True
    hub.state.changed()
    events.check_run(hub, repo, run, "rerequested", by)


def request_action(hub: Hub, repo: Repo, run: CheckRun, identifier: str, *, by: str) -> None:
    """A press on one of the check run's buttons."""
    if all(action["identifier"] != identifier for action in buttons_of(run)):
        raise not_found()
    extra = {"requested_action": {"identifier": identifier}}
    events.check_run(hub, repo, run, "requested_action", by, **extra)


def buttons_of(run: CheckRun) -> list[dict[str, str]]:
    """The buttons of a completed check run.

    "Check runs and requested actions" does not say whether an incomplete one shows them, so nothing may rely
    on it.
    """
    return run.actions if run.status == "completed" else []


async def rerequest_suite(hub: Hub, repo: Repo, suite_id: int, *, by: str) -> None:
    """Re-run everything of a commit."""
    suite = hub.state.data.check_suites.get(suite_id)
    if suite is None or suite.repo != repo.full_name:
        raise not_found()
    for run in latest(check_runs_of(hub, repo, suite.head_sha)):
        run.rerequested = run.rerequested or run.app == suite.app
    hub.state.changed()
    await events.check_suite(hub, repo, suite_id, "rerequested", by)


async def report_status(hub: Hub, repo: Repo, sha: str, fields: dict[str, Any], *, by: str) -> CommitStatus:
    """Report on a commit as another program does."""
    status = CommitStatus(
        id=hub.state.large_id(),
        repo=repo.full_name,
        sha=sha,
        creator=by,
        created_at=hub.clock(),
        **fields,
    )
    hub.state.data.commit_statuses[status.id] = status
    hub.state.changed()
    await events.commit_status(hub, repo, status)
    return status


def add_deployment_status(
    hub: Hub, deployment: Deployment, fields: dict[str, Any], *, creator: str
) -> DeploymentStatus:
    """Report on a deployment; a success makes the environment's earlier deployments inactive."""
    now = hub.clock()
    status = DeploymentStatus(
        id=hub.state.large_id(),
        state=fields["state"],
        creator=creator,
        description=fields.get("description") or "",
        environment=fields.get("environment") or deployment.environment,
        environment_url=fields.get("environment_url") or "",
        log_url=fields.get("log_url") or fields.get("target_url") or "",
        created_at=now,
    )
    deployment.statuses.append(status)
    deployment.updated_at = now
    if status.state == "success" and fields.get("auto_inactive", True):
        _retire_earlier(hub, deployment, creator)
    hub.state.changed()
    return status


def _retire_earlier(hub: Hub, newest: Deployment, creator: str) -> None:
    for other in hub.state.data.deployments.values():
        same = (other.repo, other.environment) == (newest.repo, newest.environment)
        lasting = not other.transient_environment and not other.production_environment
        done = other.statuses and other.statuses[-1].state == "success"
        if same and lasting and done and other.id < newest.id:
            other.statuses.append(
                DeploymentStatus(
                    id=hub.state.large_id(),
                    state="inactive",
                    creator=creator,
                    environment=other.environment,
                    created_at=hub.clock(),
                )
            )
