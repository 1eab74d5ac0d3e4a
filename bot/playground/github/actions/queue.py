"""The merge queue: a commit per pull request, checked before the base moves.

GitHub docs "Managing a merge queue" and "Merging a pull request with a merge queue": each entry has a temporary branch
`gh-readonly-queue/BASE/pr-N-PARENT` of its own, which holds the base, the entries before it and the pull request; when
the checks of the last one are green, the base is moved to it at once. All of that is done by the queue's own account,
`github-merge-queue[bot]` (yedeya-labs/kanon#79: it is always the actor of the push to the base).
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.playground.github.actions.accounts import add_account
from bot.playground.github.actions.pulls import merge_message, record_merge
from bot.playground.github.actions.pushes import ZERO, Moved, announce
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.git.merge import MergeRequest, merge
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Account, Pull, QueueEntry, Repo
from bot.playground.github.shapes import events

QUEUE_BOT = "github-merge-queue[bot]"
_QUEUE_BOT_ID = 118344674
"""As its commits name it: 118344674+github-merge-queue@users.noreply.github.com."""


def queue_bot(hub: Hub) -> Account:
    """The account that acts for the merge queue."""
    account = Account(id=_QUEUE_BOT_ID, login=QUEUE_BOT, type="Bot", created_at=hub.clock())
    return add_account(hub, account)


async def queue_pulls(hub: Hub, repo: Repo, pulls: Sequence[Pull], *, by: str, method: str = "merge") -> str:
    """Put pull requests into the queue, as one group; return the commit of the last one.

    Existing entries precede them, as they do after failed checks.
    """
    await dequeue(hub, repo, [pull.number for pull in pulls], reason="CI_FAILURE", by=queue_bot(hub).login)
    for pull in pulls:
        await events.pull_request(hub, repo, pull, "enqueued", by)
        entry = await _entry(hub, repo, pull, method)
        repo.queue.append(entry)
        hub.state.changed()
        moved = Moved(ref=f"refs/heads/{entry.branch}", before=ZERO, after=entry.head_sha)
        await announce(hub, repo, moved, QUEUE_BOT)
        await events.merge_group(hub, repo, entry, "checks_requested", QUEUE_BOT)
    return repo.queue[-1].head_sha


async def _entry(hub: Hub, repo: Repo, pull: Pull, method: str) -> QueueEntry:
    git = hub.git(repo)
    async with git.lock:
        before = [entry for entry in repo.queue if entry.base_ref == pull.base_ref]
        tip = before[-1].head_sha if before else await git.resolve(f"heads/{pull.base_ref}")
        if tip is None:
            raise not_found()
        request = MergeRequest(
            base=tip,
            head=pull.head_sha,
            method=method,
            by=hub.signature(queue_bot(hub)),
            message=merge_message(pull, method),
        )
        merged = await merge(git, request)
        if merged is None:
            raise ApiError(405, "Pull Request is not mergeable")
        entry = QueueEntry(
            number=pull.number,
            base_ref=pull.base_ref,
            branch=f"gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{tip}",
            base_sha=tip,
            head_sha=merged,
        )
        await git.update_ref(f"refs/heads/{entry.branch}", merged)
    return entry


async def dequeue(hub: Hub, repo: Repo, numbers: Sequence[int], *, reason: str, by: str) -> None:
    """Take pull requests out of the queue without merging them.

    `reason` is GitHub's own word for it, such as MANUAL, CI_FAILURE or MERGE_CONFLICT (octokit/webhooks, schema of
    `pull_request.dequeued`). Those behind them would be built again; here they just go as well, as `invalidated`.
    """
    first = next((place for place, entry in enumerate(repo.queue) if entry.number in numbers), None)
    if first is None:
        return
    gone, repo.queue = repo.queue[first:], repo.queue[:first]
    for entry in gone:
        asked = entry.number in numbers
        if asked:
            pull = repo.pulls[entry.number]
            await events.pull_request(hub, repo, pull, "dequeued", by, reason=reason)
        why = "dequeued" if asked else "invalidated"
        await _destroy(hub, repo, entry, why)


async def merge_queue(hub: Hub, repo: Repo) -> list[str]:
    """Move the base to the queue's last commit; returns a commit for each pull request.

    `merged_by` and the sender are the queue's account (osac-project/osac-ci recognises its clean-up by that actor), and
    `merge_commit_sha` is the pull request's own commit, not that of the group.
    """
    entries, repo.queue = repo.queue, []
    if not entries:
        return []
    bot, git = queue_bot(hub).login, hub.git(repo)
    base_ref, last = entries[-1].base_ref, entries[-1]
    async with git.lock:
        before = await git.resolve(f"heads/{base_ref}")
        if before is None or before != entries[0].base_sha:
            raise ApiError(409, "Base branch was modified. Review and try the merge again.")
        await git.update_ref(f"refs/heads/{base_ref}", last.head_sha, old=before)
    hub.late_tips.merged(repo.full_name, base_ref, before=before, after=last.head_sha)
    for entry in entries:
        pull = repo.pulls[entry.number]
        # aws/aws-sdk-java-v2 counts only those whose reason is another one than MERGE as fallen out.
        await events.pull_request(hub, repo, pull, "dequeued", bot, reason="MERGE")
        await record_merge(hub, repo, pull, commit=entry.head_sha, by=bot)
    await announce(hub, repo, Moved(ref=f"refs/heads/{base_ref}", before=before, after=last.head_sha), bot)
    for entry in entries:
        await _destroy(hub, repo, entry, "merged")
    return [entry.head_sha for entry in entries]


async def _destroy(hub: Hub, repo: Repo, entry: QueueEntry, reason: str) -> None:
    """End a group; its `reason` is merged, dequeued or invalidated."""
    await events.merge_group(hub, repo, entry, "destroyed", QUEUE_BOT, reason=reason)
    ref = f"refs/heads/{entry.branch}"
    async with hub.git(repo).lock:
        await hub.git(repo).delete_ref(ref)
    hub.state.changed()
    await announce(hub, repo, Moved(ref=ref, before=entry.head_sha, after=ZERO), QUEUE_BOT)
