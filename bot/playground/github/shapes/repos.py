"""Repositories and labels as JSON."""

from typing import Any
from urllib.parse import quote

from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.model import Label, Repo, Role
from bot.playground.github.records.times import stamp
from bot.playground.github.shapes.accounts import permission_flags, user_json

Json = dict[str, Any]

_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def repo_api(hub: Hub, repo: Repo) -> str:
    """The REST address of a repository."""
    return f"{hub.api_url}/repos/{repo.full_name}"


def minimal_json(hub: Hub, repo: Repo) -> Json:
    """The fields that every form of a repository has."""
    api = repo_api(hub, repo)
    return {
        "id": repo.id,
        "node_id": node_id("Repository", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user_json(hub, repo.owner),
        "html_url": f"{hub.url}/{repo.full_name}",
        "description": repo.description,
        "fork": repo.fork_of is not None,
        "url": api,
        **{name: api + tail for name, tail in _LINKS.items()},
    }


def repo_json(hub: Hub, repo: Repo) -> Json:
    """A repository as in pull requests, tokens and webhooks."""
    host = hub.url.partition("://")[2]
    open_issues = sum(1 for each in (*repo.issues.values(), *repo.pulls.values()) if each.state == "open")
    return {
        **minimal_json(hub, repo),
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.pushed_at),
        "pushed_at": stamp(repo.pushed_at),
        "git_url": f"git://{host}/{repo.full_name}.git",
        "ssh_url": f"git@{host}:{repo.full_name}.git",
        "clone_url": f"{hub.url}/{repo.full_name}.git",
        "svn_url": f"{hub.url}/{repo.full_name}",
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": "HCL",
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": open_issues,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if repo.private else "public",
        "forks": 0,
        "open_issues": open_issues,
        "watchers": 0,
        "default_branch": repo.default_branch,
    }


def full_repo_json(hub: Hub, repo: Repo, viewer: Role) -> Json:
    """A repository as `GET /repos/{owner}/{repo}` answers it."""
    body = {
        **repo_json(hub, repo),
        "permissions": permission_flags(viewer),
        "subscribers_count": 0,
        "network_count": 0,
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_rebase_merge": True,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
        "allow_update_branch": False,
    }
    if hub.state.account(repo.owner).type == "Organization":
        body["organization"] = user_json(hub, repo.owner)
    if repo.fork_of is not None:
        source = repo_json(hub, hub.state.repo(repo.fork_of))
        body["parent"] = body["source"] = source
    return body


def label_json(hub: Hub, repo: Repo, label: Label) -> Json:
    """A label."""
    return {
        "id": label.id,
        "node_id": node_id("Label", label.id),
        "url": f"{repo_api(hub, repo)}/labels/{quote(label.name)}",
        "name": label.name,
        "color": label.color,
        "default": False,
        "description": "",
    }
