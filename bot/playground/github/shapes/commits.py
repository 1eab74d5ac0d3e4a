"""Commits, trees and changed files as JSON."""

import base64
from typing import Any
from urllib.parse import quote

from bot.playground.github.git.diff import FileChange
from bot.playground.github.git.repo import Commit, TreeEntry
from bot.playground.github.hub import Hub, node_id
from bot.playground.github.records.model import Repo
from bot.playground.github.shapes.accounts import user_json
from bot.playground.github.shapes.repos import repo_api

Json = dict[str, Any]
BASE64_LINE = 60


def login_of(hub: Hub, email: str) -> str | None:
    """The account that a commit's address belongs to, whatever it is called by now.

    GitHub Docs, "Setting your commit email address": the noreply address begins with the account's id. Any other
    address is that of the account that was the first to have its local part as login.
    """
    local, _, domain = email.partition("@")
    noreply = domain == "users.noreply.github.com"
    for account in hub.state.data.accounts.values():
        first = (account.earlier_logins or [account.login])[0]
        if local.partition("+")[0] == str(account.id) if noreply else local.lower() == first.lower():
            return account.login
    return None


def commit_json(hub: Hub, repo: Repo, commit: Commit) -> Json:
    """A commit without its files; a person GitHub does not know is null, as in the lists there."""
    api = repo_api(hub, repo)
    page = f"{hub.url}/{repo.full_name}"
    author = login_of(hub, commit.author_email)
    committer = login_of(hub, commit.committer_email)
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", int(commit.sha[:12], 16)),
        "commit": {
            "author": _person(commit.author, commit.author_email, commit.author_date),
            "committer": _person(commit.committer, commit.committer_email, commit.committer_date),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{api}/git/trees/{commit.tree}"},
            "url": f"{api}/git/commits/{commit.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{api}/commits/{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}",
        "comments_url": f"{api}/commits/{commit.sha}/comments",
        "author": user_json(hub, author) if author else None,
        "committer": user_json(hub, committer) if committer else None,
        "parents": [
            {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{page}/commit/{sha}"}
            for sha in commit.parents
        ],
    }


def _person(name: str, email: str, date: str) -> Json:
    return {"name": name, "email": email, "date": date}


def file_json(hub: Hub, repo: Repo, change: FileChange, sha: str) -> Json:
    """A changed file; `sha` is the commit whose blobs the links show."""
    path = quote(change.path)
    body: Json = {
        "sha": change.blob,
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{hub.url}/{repo.full_name}/blob/{sha}/{path}",
        "raw_url": f"{hub.url}/{repo.full_name}/raw/{sha}/{path}",
        "contents_url": f"{repo_api(hub, repo)}/contents/{path}?ref={sha}",
    }
    if change.patch is not None:
        body["patch"] = change.patch
    if change.previous is not None:
        body["previous_filename"] = change.previous
    return body


def entry_json(hub: Hub, repo: Repo, entry: TreeEntry, ref: str) -> Json:
    """A file or directory of the contents API, without a file's content."""
    kinds = {"tree": "dir", "commit": "submodule"}
    kind = "symlink" if entry.mode == "120000" else kinds.get(entry.kind, "file")
    plural = "trees" if entry.kind == "tree" else "blobs"
    path, ref = quote(entry.path), quote(ref)
    url = f"{repo_api(hub, repo)}/contents/{path}?ref={ref}"
    git_url = f"{repo_api(hub, repo)}/git/{plural}/{entry.sha}"
    page = f"{hub.url}/{repo.full_name}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{path}"
    raw = f"{hub.url}/{repo.full_name}/raw/{ref}/{path}"
    return {
        "name": entry.path.rsplit("/", 1)[-1],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size,
        "url": url,
        "html_url": page,
        "git_url": git_url,
        "download_url": raw if kind == "file" else None,
        "type": kind,
        "_links": {"self": url, "git": git_url, "html": page},
    }


def encoded(content: bytes) -> str:
    """Base64 in lines of 60, as the contents API sends it."""
    text = base64.b64encode(content).decode()
    return "".join(f"{text[start : start + BASE64_LINE]}\n" for start in range(0, len(text), BASE64_LINE))
