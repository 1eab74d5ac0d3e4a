"""Check runs, commit statuses and deployments."""

from typing import Any

from bot.playground.github import events
from bot.playground.github.actions.pushes import ensure_suite
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.hub import Hub
from bot.playground.github.model import Repo
from bot.playground.github.model_checks import CheckRun, CommitStatus, Deployment, DeploymentStatus
from bot.playground.github.times import stamp

_PLAIN = ("name", "external_id", "details_url", "status", "conclusion", "started_at", "completed_at")


def check_run_of(hub: Hub, repo: Repo, run_id: int) -> CheckRun:
    """A check run of that repository; 404 when there is none."""
    found = hub.state.data.check_runs.get(run_id)
    if found is None or found.repo != repo.full_name:
        raise not_found()
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
    )
    hub.state.data.check_runs[run.id] = run
    _apply(hub, run, fields)
    events.check_run(hub, repo, run, "created", hub.bot_login)
    return run


def update_check_run(hub: Hub, repo: Repo, run: CheckRun, fields: dict[str, Any]) -> CheckRun:
    """Change a check run; annotations add up, the rest is replaced."""
    _require_conclusion(fields)
    finished = run.status == "completed"
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
    return [run for run in every if run.repo == repo.full_name and run.head_sha == sha]


def latest(runs: list[CheckRun]) -> list[CheckRun]:
    """The newest run of each name."""
    return list({run.name: run for run in runs}.values())


def rerequest_run(hub: Hub, repo: Repo, run: CheckRun, *, by: str) -> None:
    """The re-run link beside a check run."""
    events.check_run(hub, repo, run, "rerequested", by)


def request_action(hub: Hub, repo: Repo, run: CheckRun, identifier: str, *, by: str) -> None:
    """A press on one of the check run's buttons."""
    if all(action["identifier"] != identifier for action in run.actions):
        raise not_found()
    extra = {"requested_action": {"identifier": identifier}}
    events.check_run(hub, repo, run, "requested_action", by, **extra)


async def rerequest_suite(hub: Hub, repo: Repo, suite_id: int, *, by: str) -> None:
    """Re-run everything of a commit."""
    suite = hub.state.data.check_suites.get(suite_id)
    if suite is None or suite.repo != repo.full_name:
        raise not_found()
    await events.check_suite(hub, repo, suite_id, "rerequested", by)


def report_status(hub: Hub, repo: Repo, sha: str, fields: dict[str, Any], *, by: str) -> CommitStatus:
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
    events.commit_status(hub, repo, status)
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
