"""Pull requests as JSON."""

from typing import Any

from bot.playground.github.check_lifecycle import GREEN, latest
from bot.playground.github.git.merge import merged_tree
from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.model import Pull, Repo
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.accounts import association, nullable_user_json, user_json
from bot.playground.github.shapes.repos import repo_api, repo_json
from bot.playground.github.shapes.threads import labels_json, thread_comments

Json = dict[str, Any]


def pull_simple_json(hub: Hub, repo: Repo, pull: Pull) -> Json:
    """A pull request as lists show it."""
    api = f"{repo_api(hub, repo)}/pulls/{pull.number}"
    page = f"{hub.url}/{repo.full_name}/pull/{pull.number}"
    issue = f"{repo_api(hub, repo)}/issues/{pull.number}"
    links = {
        "self": api,
        "html": page,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{repo_api(hub, repo)}/pulls/comments{{/number}}",
        "commits": f"{api}/commits",
        "statuses": f"{repo_api(hub, repo)}/statuses/{pull.head_sha}",
    }
    return {
        "url": api,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "user": nullable_user_json(hub, pull.author),
        "body": pull.body,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp(pull.closed_at) if pull.closed_at is not None else None,
        "merged_at": stamp(pull.merged_at) if pull.merged_at is not None else None,
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "labels": labels_json(hub, repo, pull),
        "milestone": None,
        "draft": pull.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": _end(hub, pull.head_repo, pull.head_ref, pull.head_sha),
        "base": _end(hub, repo.full_name, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": association(hub, repo, pull.author),
        "auto_merge": _auto_merge(hub, pull),
        "active_lock_reason": None,
    }


def _auto_merge(hub: Hub, pull: Pull) -> Json | None:
    if pull.auto_merge is None:
        return None
    return {
        "enabled_by": user_json(hub, pull.auto_merge.enabled_by),
        "merge_method": pull.auto_merge.method,
        "commit_title": pull.title,
        "commit_message": "",
    }


def _end(hub: Hub, full_name: str, ref: str, sha: str) -> Json:
    """Return head or base; `repo` is null for a deleted fork, the rest for a deleted owner.

    github/rest-api-description#1811 and #5562.
    """
    owner, repo = full_name.partition("/")[0], hub.state.data.repos.get(full_name.lower())
    is_known = repo is not None or owner.lower() in hub.state.data.accounts
    return {
        "label": f"{owner}:{ref}" if is_known else None,
        "ref": ref,
        "sha": sha,
        "user": user_json(hub, owner) if is_known else None,
        "repo": None if repo is None else repo_json(hub, repo),
    }


async def pull_json(hub: Hub, repo: Repo, pull: Pull, *, settled: bool = True) -> Json:
    """A pull request in full. `settled` False leaves mergeability open, as webhooks do."""
    git = hub.git(repo)
    merge_base = await git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    files = await git.diff(merge_base, pull.head_sha)
    mergeable, state = await mergeability(hub, repo, pull) if settled else (None, "unknown")
    return {
        **pull_simple_json(hub, repo, pull),
        "user": user_json(hub, pull.author),
        "merged": pull.merged,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": state,
        "merged_by": nullable_user_json(hub, pull.merged_by) if pull.merged_by else None,
        "comments": len(thread_comments(hub, repo, pull.number)),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": await git.count(f"{merge_base}..{pull.head_sha}"),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


async def mergeability(hub: Hub, repo: Repo, pull: Pull) -> tuple[bool | None, str]:
    """GitHub's `mergeable` and `mergeable_state`."""
    if pull.state == "closed":
        return None, "unknown"
    git = hub.git(repo)
    base = await git.resolve(pull.base_ref)
    if base is None or await merged_tree(git, base, pull.head_sha) is None:
        return False, "dirty"
    if pull.draft:
        return True, "draft"
    runs = latest(
        run
        for run in hub.state.data.check_runs.values()
        if run.repo == repo.full_name and run.head_sha == pull.head_sha
    )
    green = all(run.conclusion in GREEN for run in runs)
    return True, "clean" if green else "unstable"


def pull_minimal_json(hub: Hub, repo: Repo, pull: Pull) -> Json:
    """A pull request as check runs refer to it."""
    head = hub.state.data.repos.get(pull.head_repo.lower())
    return {
        "url": f"{repo_api(hub, repo)}/pulls/{pull.number}",
        "id": pull.id,
        "number": pull.number,
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": _repo_ref(hub, head or repo)},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": _repo_ref(hub, repo)},
    }


def _repo_ref(hub: Hub, repo: Repo) -> Json:
    return {"id": repo.id, "url": repo_api(hub, repo), "name": repo.name}
