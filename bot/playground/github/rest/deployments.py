"""Deployments, their statuses, and deployment protection rules."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.playground.github.actions import checks as acts
from bot.playground.github.check_lifecycle import latest
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.records.checks import Deployment
from bot.playground.github.records.model import GateReview
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.checks import (
    combined_status_json,
    deployment_json,
    deployment_status_json,
)

TEXT_MOST = 140


class DeploymentBody(Body):
    """A new deployment, with GitHub's defaults."""

    ref: str
    task: str = "deploy"
    auto_merge: bool = True
    required_contexts: list[str] | None = None
    payload: Annotated[dict[str, Any] | str, Field(default_factory=dict)]
    environment: str = "production"
    description: Annotated[str, Field(max_length=TEXT_MOST)] | None = ""
    transient_environment: bool = False
    production_environment: bool | None = None


async def create_deployment(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/deployments."""
    repo = call.repo()
    wanted = call.parse(DeploymentBody)
    git = call.hub.git(repo)
    sha = await git.resolve(wanted.ref)
    if sha is None:
        raise ApiError(422, f"No ref found for: {wanted.ref}", errors=[])
    base = await git.resolve(repo.default_branch)
    # With auto_merge GitHub merges the default branch into a ref that lags behind it, and deploys nothing.
    if wanted.auto_merge and base is not None and not await git.is_ancestor(base, sha):
        return Reply(
            status=202,
            body={"message": f"Auto-merged {repo.default_branch} into {wanted.ref} on deployment."},
        )
    _require_contexts(call, sha, wanted.required_contexts)
    now = call.hub.clock()
    production = wanted.environment == "production" if wanted.production_environment is None else None
    deployment = Deployment(
        id=call.hub.state.large_id(),
        repo=repo.full_name,
        sha=sha,
        ref=wanted.ref,
        task=wanted.task,
        payload=wanted.payload,
        environment=wanted.environment,
        description=wanted.description,
        creator=call.actor,
        transient_environment=wanted.transient_environment,
        production_environment=bool(wanted.production_environment or production),
        created_at=now,
        updated_at=now,
    )
    call.hub.state.data.deployments[deployment.id] = deployment
    call.hub.state.changed()
    return Reply(status=201, body=deployment_json(call.hub, repo, deployment))


def _require_contexts(call: Call, sha: str, wanted: list[str] | None) -> None:
    """Require every check and status to be green without `required_contexts`, else 409."""
    repo = call.repo()
    runs = latest(acts.check_runs_of(call.hub, repo, sha))
    green = {run.name: run.conclusion in {"success", "neutral", "skipped"} for run in runs}
    for status in combined_status_json(call.hub, repo, sha)["statuses"]:
        green[status["context"]] = status["state"] == "success"
    failing = [name for name in (green if wanted is None else wanted) if not green.get(name)]
    if failing:
        message = f"Conflict: Commit status checks failed for {sha}."
        raise ApiError(409, message)


async def list_deployments(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/deployments: newest first."""
    repo = call.repo()
    found = [each for each in call.hub.state.data.deployments.values() if each.repo == repo.full_name]
    for name in ("sha", "ref", "task", "environment"):
        if name in call.query:
            found = [each for each in found if getattr(each, name) == call.query[name]]
    found.reverse()
    return call.paged(found, lambda each: deployment_json(call.hub, repo, each))


class DeploymentStatusBody(Body):
    """The status of a deployment."""

    state: Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
    target_url: str = ""
    log_url: str = ""
    description: Annotated[str, Field(max_length=TEXT_MOST)] = ""
    environment: str | None = None
    environment_url: str = ""
    auto_inactive: bool = True


async def create_deployment_status(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses."""
    repo = call.repo()
    deployment = call.hub.state.data.deployments.get(call.number("deployment_id"))
    if deployment is None or deployment.repo != repo.full_name:
        raise not_found()
    fields = call.parse(DeploymentStatusBody).model_dump(exclude_unset=True)
    status = acts.add_deployment_status(call.hub, deployment, fields, creator=call.actor)
    shape = deployment_status_json(call.hub, repo, deployment, status)
    return Reply(status=201, body=shape, headers={"Location": shape["url"]})


class GateBody(Body):
    """An answer to a protection rule: a verdict, or only a comment."""

    environment_name: str
    state: Literal["approved", "rejected"] | None = None
    comment: str | None = None


async def review_gate(call: Call) -> Reply:
    """POST /repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule."""
    wanted = call.parse(GateBody)
    if wanted.state is None and wanted.comment is None:
        raise ApiError(422, "state or comment is missing", errors=[])
    entry = GateReview(repo=call.repo().full_name, run_id=call.number("run_id"), **wanted.model_dump())
    call.hub.state.data.gate_reviews.append(entry)
    call.hub.state.changed()
    return Reply(status=204)


_REPO = "/repos/{owner}/{repo}"
_LIST = f"{_REPO}/deployments"
_STATUSES = f"{_LIST}/{{deployment_id}}/statuses"
_GATE = f"{_REPO}/actions/runs/{{run_id}}/deployment_protection_rule"
_WRITE = ("deployments:write",)
ROUTES = (
    Route(method="GET", path=_LIST, handler=list_deployments, needs=("deployments:read",)),
    Route(method="POST", path=_LIST, handler=create_deployment, needs=_WRITE),
    Route(method="POST", path=_STATUSES, handler=create_deployment_status, needs=_WRITE),
    Route(method="POST", path=_GATE, handler=review_gate, needs=_WRITE),
)
