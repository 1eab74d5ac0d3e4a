"""Webhook bodies, shaped as GitHub shapes them."""

from dataclasses import dataclass
from typing import Any

from bot.playground.github.git.process import GitError
from bot.playground.github.git.repo import Commit
from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.checks import CheckRun, CommitStatus
from bot.playground.github.records.model import Comment, Installation, Pull, QueueEntry, Repo, Review
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.accounts import (
    hook_config_json,
    installation_json,
    organization_json,
    user_json,
)
from bot.playground.github.shapes.checks import check_run_json, check_suite_json
from bot.playground.github.shapes.commits import commit_json, login_of
from bot.playground.github.shapes.pulls import pull_json, pull_simple_json
from bot.playground.github.shapes.repos import repo_json
from bot.playground.github.shapes.threads import comment_json, issue_json, review_json
from bot.playground.github.webhooks import HOOK_ID

Json = dict[str, Any]
PUSH_COMMITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A ref that moved; `before` or `after` is all zeros for a new or deleted one."""

    ref: str
    before: str
    after: str


def emit(hub: Hub, event: str, repo: Repo, sender: str, fields: Json) -> None:
    """Send an event with the parts that every repository's event has."""
    payload = {**fields, "repository": _webhook_repo(hub, repo), "sender": user_json(hub, sender)}
    owner = hub.state.account(repo.owner)
    if owner.type == "Organization":
        payload["organization"] = organization_json(hub, owner)
    hub.emit(event, payload, repo)


def _webhook_repo(hub: Hub, repo: Repo) -> Json:
    body = repo_json(hub, repo)
    if hub.state.account(repo.owner).type == "Organization":
        body["custom_properties"] = {}
    return body


async def pull_request(hub: Hub, repo: Repo, pull: Pull, action: str, sender: str, **extra: Any) -> None:
    """A `pull_request` event; `extra` holds before/after or changes."""
    hub.lag.announced((repo.full_name, pull.number), pull)
    fields: Json = {
        "action": action,
        "number": pull.number,
        "pull_request": await pull_json(hub, repo, pull, settled=False),
        **extra,
    }
    emit(hub, "pull_request", repo, sender, fields)


def issue_comment(hub: Hub, repo: Repo, comment: Comment, action: str, sender: str, **extra: Any) -> None:
    """An `issue_comment` event."""
    thread = repo.thread(comment.number)
    if thread is None:
        return
    fields: Json = {
        "action": action,
        "issue": issue_json(hub, repo, thread),
        "comment": comment_json(hub, repo, comment),
        **extra,
    }
    emit(hub, "issue_comment", repo, sender, fields)


def review(hub: Hub, repo: Repo, given: Review, action: str, sender: str) -> None:
    """A `pull_request_review` event; webhooks write the state in lower case."""
    body = review_json(hub, repo, given)
    body["state"] = given.state.lower()
    body["body"] = given.body or None
    fields: Json = {
        "action": action,
        "review": body,
        "pull_request": pull_simple_json(hub, repo, repo.pulls[given.number]),
    }
    emit(hub, "pull_request_review", repo, sender, fields)


def check_run(hub: Hub, repo: Repo, run: CheckRun, action: str, sender: str, **extra: Any) -> None:
    """A `check_run` event; its suite is a full object, unlike in REST."""
    suite = check_suite_json(hub, repo, hub.state.data.check_suites[run.suite_id])
    fields: Json = {
        "action": action,
        "check_run": {**check_run_json(hub, repo, run), "check_suite": suite},
        **extra,
    }
    emit(hub, "check_run", repo, sender, fields)


async def check_suite(hub: Hub, repo: Repo, suite_id: int, action: str, sender: str) -> None:
    """A `check_suite` event."""
    suite = check_suite_json(hub, repo, hub.state.data.check_suites[suite_id])
    suite["check_runs_url"] = f"{suite['url']}/check-runs"
    runs = hub.state.data.check_runs.values()
    suite["latest_check_runs_count"] = sum(1 for run in runs if run.suite_id == suite_id)
    commit = await hub.git(repo).commit(suite["head_sha"])
    suite["head_commit"] = _short_commit(commit)
    emit(hub, "check_suite", repo, sender, {"action": action, "check_suite": suite})


def _short_commit(commit: Commit) -> Json:
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer_date,
        "author": {"name": commit.author, "email": commit.author_email},
        "committer": {"name": commit.committer, "email": commit.committer_email},
    }


async def merge_group(
    hub: Hub, repo: Repo, entry: QueueEntry, action: str, sender: str, **extra: Any
) -> None:
    """A `merge_group` event: checks are requested, or the group ended (`extra` says why)."""
    group = {
        "head_sha": entry.head_sha,
        "head_ref": f"refs/heads/{entry.branch}",
        "base_sha": entry.base_sha,
        "base_ref": f"refs/heads/{entry.base_ref}",
        "head_commit": _short_commit(await hub.git(repo).commit(entry.head_sha)),
    }
    emit(hub, "merge_group", repo, sender, {"action": action, "merge_group": group, **extra})


async def push(hub: Hub, repo: Repo, moved: Moved, sender: str) -> None:
    """A `push` event."""
    git = hub.git(repo)
    before, after = moved.before, moved.after
    created, deleted = int(before, 16) == 0, int(after, 16) == 0
    commits: list[Commit] = []
    forced = False
    if not deleted and not created:
        forced = not await git.is_ancestor(before, after)
        commits = await git.commits(f"{before}..{after}", limit=PUSH_COMMITS)
    page = f"{hub.url}/{repo.full_name}"
    shapes = [await _push_commit(hub, repo, commit) for commit in commits]
    head = None if deleted else await _push_commit(hub, repo, await git.commit(after))
    account = hub.state.account(sender)
    body: Json = {
        "ref": moved.ref,
        "before": before,
        "after": after,
        "base_ref": None,
        "created": created,
        "deleted": deleted,
        "forced": forced,
        "compare": f"{page}/compare/{before[:12]}...{after[:12]}",
        "commits": shapes,
        "head_commit": head,
        "pusher": {"name": account.login, "email": f"{account.login}@users.noreply.github.com"},
    }
    owner = {**user_json(hub, repo.owner), "name": repo.owner, "email": None}
    payload = {**_webhook_repo(hub, repo), "owner": owner}
    # Only in this event GitHub writes these two as seconds, as its oldest webhooks did.
    payload["created_at"], payload["pushed_at"] = int(repo.created_at), int(repo.pushed_at)
    payload["stargazers"], payload["master_branch"] = 0, repo.default_branch
    fields = {**body, "repository": payload, "sender": user_json(hub, sender)}
    holder = hub.state.account(repo.owner)
    if holder.type == "Organization":
        payload["organization"] = holder.login
        fields["organization"] = organization_json(hub, holder)
    hub.emit("push", fields, repo)


async def _push_commit(hub: Hub, repo: Repo, commit: Commit) -> Json:
    try:
        changes = await hub.git(repo).diff(f"{commit.sha}^1", commit.sha)
    except GitError:  # A root commit has no parent to differ from.
        changes = []
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer_date,
        "url": f"{hub.url}/{repo.full_name}/commit/{commit.sha}",
        "author": _push_person(hub, commit.author, commit.author_email),
        "committer": _push_person(hub, commit.committer, commit.committer_email),
        "added": [change.path for change in changes if change.status == "added"],
        "removed": [change.path for change in changes if change.status == "removed"],
        "modified": [change.path for change in changes if change.status not in {"added", "removed"}],
    }


def _push_person(hub: Hub, name: str, email: str) -> Json:
    login = login_of(hub, email)
    person = {"name": name, "email": email}
    return {**person, "username": login} if login else person


async def commit_status(hub: Hub, repo: Repo, status: CommitStatus) -> None:
    """A `status` event; it has no action."""
    fields: Json = {
        "id": status.id,
        "sha": status.sha,
        "name": repo.full_name,
        "context": status.context,
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "commit": commit_json(hub, repo, await hub.git(repo).commit(status.sha)),
        "branches": [],
        "created_at": stamp(status.created_at),
        "updated_at": stamp(status.created_at),
    }
    emit(hub, "status", repo, status.creator, fields)


def installation(hub: Hub, given: Installation, action: str, repos: list[Repo], sender: str) -> None:
    """An `installation` event, or `installation_repositories` for added or removed."""
    listed = [
        {
            "id": repo.id,
            "node_id": node_id("Repository", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
        }
        for repo in repos
    ]
    body: Json = {"action": action, "installation": installation_json(hub, given)}
    if action in {"added", "removed"}:
        body["repository_selection"] = "selected"
        body["repositories_added"] = listed if action == "added" else []
        body["repositories_removed"] = listed if action == "removed" else []
        event = "installation_repositories"
    else:
        body["repositories"] = listed
        event = "installation"
    body["requester"] = None
    body["sender"] = user_json(hub, sender)
    hub.hooks.queue(event, body, installation_id=given.id)


def ping(hub: Hub) -> None:
    """The `ping` that GitHub sends when a webhook is set up."""
    hook = {
        "type": "App",
        "id": HOOK_ID,
        "name": "web",
        "active": True,
        "app_id": hub.config.app_id,
        "events": list(hub.config.app_events),
        "config": hook_config_json(hub),
        "deliveries_url": f"{hub.api_url}/app/hook/deliveries",
        "created_at": stamp(0),
        "updated_at": stamp(0),
    }
    hub.hooks.queue("ping", {"zen": "Keep it logically awesome.", "hook_id": HOOK_ID, "hook": hook})
