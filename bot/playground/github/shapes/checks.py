"""Check runs, suites, commit statuses and deployments as JSON."""

from typing import Any

from bot.playground.github.check_lifecycle import suite_state
from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.checks import (
    CheckRun,
    CheckSuite,
    CommitStatus,
    Deployment,
    DeploymentStatus,
)
from bot.playground.github.records.model import Repo
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.accounts import app_json, nullable_user_json, other_app_json
from bot.playground.github.shapes.pulls import pull_minimal_json
from bot.playground.github.shapes.repos import minimal_json, repo_api

Json = dict[str, Any]


def pulls_of(hub: Hub, repo: Repo, sha: str) -> list[Json]:
    """The open pulls with that head; a fork's pulls are left out, as on GitHub."""
    return [
        pull_minimal_json(hub, repo, pull)
        for pull in repo.pulls.values()
        if pull.head_sha == sha and pull.head_repo == repo.full_name and pull.state == "open"
    ]


def check_run_json(hub: Hub, repo: Repo, run: CheckRun) -> Json:
    """A check run."""
    url = f"{repo_api(hub, repo)}/check-runs/{run.id}"
    page = f"{hub.url}/{repo.full_name}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": page,
        # "If the integrator does not provide this, then the homepage of the GitHub app is used" (REST, `details_url`).
        "details_url": run.details_url or app_json(hub)["external_url"],
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run.suite_id},
        "app": other_app_json(hub, run.app) if run.app else app_json(hub),
        "pull_requests": pulls_of(hub, repo, run.head_sha),
    }


def check_suite_json(hub: Hub, repo: Repo, suite: CheckSuite) -> Json:
    """A check suite as webhooks carry it."""
    api = f"{repo_api(hub, repo)}/check-suites/{suite.id}"
    runs = [run for run in hub.state.data.check_runs.values() if run.suite_id == suite.id]
    status, conclusion = suite_state(runs)
    return {
        "id": suite.id,
        "node_id": node_id("CheckSuite", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": api,
        "before": None,
        "after": suite.head_sha,
        "pull_requests": pulls_of(hub, repo, suite.head_sha),
        "app": other_app_json(hub, suite.app) if suite.app else app_json(hub),
        "created_at": stamp(suite.created_at),
        "updated_at": stamp(suite.created_at),
    }


def status_json(hub: Hub, repo: Repo, status: CommitStatus) -> Json:
    """A commit status."""
    user = nullable_user_json(hub, status.creator)
    return {
        "url": f"{repo_api(hub, repo)}/statuses/{status.sha}",
        "avatar_url": None if user is None else user["avatar_url"],
        "id": status.id,
        "node_id": node_id("StatusContext", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
        "creator": user,
    }


def combined_status_json(hub: Hub, repo: Repo, sha: str) -> Json:
    """The newest status of each context, and their sum."""
    newest = {
        each.context: each
        for each in hub.state.data.commit_statuses.values()
        if each.repo == repo.full_name and each.sha == sha
    }
    states = {each.state for each in newest.values()}
    total = "pending" if not states or "pending" in states else "success"
    statuses = []
    for each in newest.values():
        shape = status_json(hub, repo, each)
        shape.pop("creator")
        statuses.append(shape)
    return {
        "state": "failure" if states & {"error", "failure"} else total,
        "statuses": statuses,
        "sha": sha,
        "total_count": len(statuses),
        "repository": minimal_json(hub, repo),
        "commit_url": f"{repo_api(hub, repo)}/commits/{sha}",
        "url": f"{repo_api(hub, repo)}/commits/{sha}/status",
    }


def deployment_json(hub: Hub, repo: Repo, deployment: Deployment) -> Json:
    """A deployment."""
    url = f"{repo_api(hub, repo)}/deployments/{deployment.id}"
    return {
        "url": url,
        "id": deployment.id,
        "node_id": node_id("Deployment", deployment.id),
        "sha": deployment.sha,
        "ref": deployment.ref,
        "task": deployment.task,
        "payload": deployment.payload,
        "original_environment": deployment.environment,
        "environment": deployment.environment,
        "description": deployment.description,
        "creator": nullable_user_json(hub, deployment.creator),
        "created_at": stamp(deployment.created_at),
        "updated_at": stamp(deployment.updated_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": repo_api(hub, repo),
        "transient_environment": deployment.transient_environment,
        "production_environment": deployment.production_environment,
        "performed_via_github_app": app_json(hub) if deployment.creator == hub.bot_login else None,
    }


def deployment_status_json(hub: Hub, repo: Repo, deployment: Deployment, status: DeploymentStatus) -> Json:
    """A status of a deployment."""
    url = f"{repo_api(hub, repo)}/deployments/{deployment.id}"
    return {
        "url": f"{url}/statuses/{status.id}",
        "id": status.id,
        "node_id": node_id("DeploymentStatus", status.id),
        "state": status.state,
        "creator": nullable_user_json(hub, status.creator),
        "description": status.description,
        "environment": status.environment,
        "target_url": status.log_url,
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
        "deployment_url": url,
        "repository_url": repo_api(hub, repo),
        "environment_url": status.environment_url,
        "log_url": status.log_url,
        "performed_via_github_app": app_json(hub) if status.creator == hub.bot_login else None,
    }
