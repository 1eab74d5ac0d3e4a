"""Pull requests: open, merge, close, reopen, and their other turns."""

from dataclasses import dataclass
from typing import Any

from bot.playground.github.actions.pushes import Moved, announce, refresh_pull_refs
from bot.playground.github.errors import ApiError, invalid, not_found
from bot.playground.github.git.merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Label, Pull, Repo
from bot.playground.github.shapes import events
from bot.playground.github.shapes.repos import label_json

DEFAULT_LABEL_COLOR = "ededed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPull:
    """The fields of a new pull request; `head_repo` is the same repository or a fork of it."""

    author: str
    title: str
    body: str | None
    head_repo: Repo
    head: str
    base: str
    draft: bool = False
    via_app: bool = False


async def open_pull(hub: Hub, repo: Repo, new: NewPull) -> Pull:
    """Open a pull request, refused where GitHub refuses."""
    head_sha = await hub.git(new.head_repo).resolve(f"heads/{new.head}")
    base_sha = await hub.git(repo).resolve(f"heads/{new.base}")
    if head_sha is None:
        raise invalid("PullRequest", "head", "head does not exist", code="invalid")
    if base_sha is None:
        raise invalid("PullRequest", "base", "base does not exist", code="invalid")
    _refuse_double(repo, new)
    if await hub.git(new.head_repo).is_ancestor(head_sha, base_sha):
        raise invalid("PullRequest", "head", f"No commits between {new.base} and {new.head}")
    now = hub.clock()
    pull = Pull(
        id=hub.state.large_id(),
        issue_id=hub.state.large_id(),
        number=next_number(repo),
        author=hub.state.account(new.author).login,
        title=new.title,
        body=new.body,
        head_repo=new.head_repo.full_name,
        head_ref=new.head,
        head_sha=head_sha,
        base_ref=new.base,
        base_sha=base_sha,
        draft=new.draft,
        via_app=new.via_app,
        created_at=now,
        updated_at=now,
    )
    repo.pulls[pull.number] = pull
    await refresh_pull_refs(hub, repo, pull)
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "opened", pull.author)
    return pull


def _refuse_double(repo: Repo, new: NewPull) -> None:
    """One open pull request for each pair of branches."""
    for other in repo.pulls.values():
        same_head = (other.head_repo, other.head_ref) == (new.head_repo.full_name, new.head)
        if other.state == "open" and same_head and other.base_ref == new.base:
            raise invalid(
                "PullRequest",
                "head",
                f"A pull request already exists for {new.head_repo.owner}:{new.head}.",
            )


def next_number(repo: Repo) -> int:
    """Issues and pull requests share their numbers."""
    return max([0, *repo.pulls, *repo.issues]) + 1


async def merge_pull(
    hub: Hub,
    repo: Repo,
    pull: Pull,
    *,
    by: str,
    method: str = "merge",
    sha: str | None = None,
    title: str | None = None,
    message: str | None = None,
) -> str:
    """Merge, and return the new commit; 409 for a moved head, 405 for a conflict."""
    git = hub.git(repo)
    async with git.lock:
        if pull.state != "open" or pull.draft:
            raise ApiError(405, "Pull Request is not mergeable")
        if sha is not None and sha != pull.head_sha:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        base = await git.resolve(f"heads/{pull.base_ref}")
        if base is None:
            raise not_found()
        request = MergeRequest(
            base=base,
            head=pull.head_sha,
            method=method,
            by=hub.signature(hub.state.account(by)),
            message=merge_message(pull, method, title=title, text=message),
        )
        merged = await merge(git, request)
        if merged is None:
            raise ApiError(405, "Pull Request is not mergeable")
        await git.update_ref(f"refs/heads/{pull.base_ref}", merged, old=base)
    hub.late_tips.merged(repo.full_name, pull.base_ref, before=base, after=merged)
    await record_merge(hub, repo, pull, commit=merged, by=by)
    moved = Moved(ref=f"refs/heads/{pull.base_ref}", before=base, after=merged)
    await announce(hub, repo, moved, by, "pr_merge")
    return merged


async def record_merge(hub: Hub, repo: Repo, pull: Pull, *, commit: str, by: str) -> None:
    """Record that the base holds the pull request as `commit`, and deliver the event.

    REST docs "Get a pull request": after a merge `merge_commit_sha` is the merge commit, the squashed commit, or after
    a rebase the commit that the base was updated to, which is the last of several.
    """
    pull.state, pull.merged, pull.merged_by, pull.merge_commit_sha = "closed", True, by, commit
    pull.merged_at = pull.closed_at = pull.updated_at = hub.clock()
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "closed", by)


def merge_message(pull: Pull, method: str, *, title: str | None = None, text: str | None = None) -> str:
    """The message of a merge commit, with GitHub's defaults."""
    if method == "squash":
        subject, more = f"{pull.title} (#{pull.number})", pull.body or ""
    else:
        owner = pull.head_repo.partition("/")[0]
        subject, more = f"Merge pull request #{pull.number} from {owner}/{pull.head_ref}", pull.title
    return f"{title or subject}\n\n{more if text is None else text}".rstrip() + "\n"


async def close_pull(hub: Hub, repo: Repo, pull: Pull, *, by: str) -> None:
    """Close without merging."""
    if pull.state == "closed":
        return
    now = hub.clock()
    pull.state, pull.closed_at, pull.closed_by, pull.updated_at = "closed", now, by, now
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "closed", by)


async def reopen_pull(hub: Hub, repo: Repo, pull: Pull, *, by: str) -> None:
    """Open again, at wherever the head branch is now; a merged one stays closed."""
    source = hub.state.data.repos.get(pull.head_repo.lower())
    head = None if source is None else await hub.git(source).resolve(f"heads/{pull.head_ref}")
    if pull.merged or head is None:
        raise invalid("PullRequest", "state", "state cannot be changed.", code="invalid")
    if pull.state == "open":
        return
    pull.state, pull.closed_at, pull.closed_by, pull.updated_at = "open", None, None, hub.clock()
    pull.head_sha = head
    await refresh_pull_refs(hub, repo, pull)
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "reopened", by)


async def edit_base(hub: Hub, repo: Repo, pull: Pull, base: str, *, by: str) -> None:
    """Aim the pull request at another branch."""
    if await hub.git(repo).resolve(f"heads/{base}") is None:
        raise invalid("PullRequest", "base", "base does not exist", code="invalid")
    if base == pull.base_ref:
        return
    changes = {"base": {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}}
    pull.base_ref, pull.updated_at = base, hub.clock()
    await refresh_pull_refs(hub, repo, pull)
    hub.state.changed()
    await events.pull_request(hub, repo, pull, "edited", by, changes=changes)


async def edit_text(
    hub: Hub, repo: Repo, pull: Pull, *, by: str, title: str | None = None, body: str | None = None
) -> None:
    """Change the title or the description."""
    changes = {}
    if title is not None and title != pull.title:
        changes["title"] = {"from": pull.title}
        pull.title = title
    if body is not None and body != pull.body:
        changes["body"] = {"from": pull.body or ""}
        pull.body = body
    if changes:
        pull.updated_at = hub.clock()
        hub.state.changed()
        await events.pull_request(hub, repo, pull, "edited", by, changes=changes)


async def set_draft(hub: Hub, repo: Repo, pull: Pull, *, draft: bool, by: str) -> None:
    """Mark as ready for review, or convert back to a draft."""
    if pull.draft == draft:
        return
    pull.draft, pull.updated_at = draft, hub.clock()
    hub.state.changed()
    action = "converted_to_draft" if draft else "ready_for_review"
    await events.pull_request(hub, repo, pull, action, by)


async def set_labels(hub: Hub, repo: Repo, pull: Pull, names: list[str], *, by: str) -> None:
    """Give the pull request exactly these labels, with an event for each change."""
    old = list(pull.labels)
    for name in names:
        fresh = Label(id=hub.state.large_id(), name=name, color=DEFAULT_LABEL_COLOR)
        repo.labels.setdefault(name, fresh)
    pull.labels, pull.updated_at = list(names), hub.clock()
    hub.state.changed()
    for name in names:
        if name not in old:
            await events.pull_request(hub, repo, pull, "labeled", by, label=_label(hub, repo, name))
    for name in old:
        if name not in names:
            await events.pull_request(hub, repo, pull, "unlabeled", by, label=_label(hub, repo, name))


def _label(hub: Hub, repo: Repo, name: str) -> dict[str, Any]:
    return label_json(hub, repo, repo.labels[name])
