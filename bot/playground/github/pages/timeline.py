"""Collect the data of a pull request's page."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bot.playground.github.actions.checks import buttons_of, check_runs_of
from bot.playground.github.actions.comments import reviews_of
from bot.playground.github.check_lifecycle import GREEN, latest
from bot.playground.github.git.diff import FileChange
from bot.playground.github.git.repo import Commit
from bot.playground.github.hub import Hub
from bot.playground.github.pages.markdown import render
from bot.playground.github.records.checks import CheckRun, Deployment
from bot.playground.github.records.model import Comment, Pull, Repo, Review
from bot.playground.github.records.times import parse_stamp, stamp
from bot.playground.github.shapes.checks import check_run_json
from bot.playground.github.shapes.pulls import mergeability
from bot.playground.github.shapes.threads import thread_comments

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "laugh": "😄",
    "confused": "😕",
    "heart": "❤️",
    "hooray": "🎉",
    "rocket": "🚀",
    "eyes": "👀",
}
VERBS = {
    "APPROVED": "approved these changes",
    "CHANGES_REQUESTED": "requested changes",
    "COMMENTED": "reviewed",
    "DISMISSED": "had a review dismissed",
}
NOTHING = Markup("")
WORDS = {"action_required": "action required", "timed_out": "timed out", "in_progress": "in progress"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of the conversation; `kind` is opened, comment, review or commit."""

    kind: str
    at: float
    key: str
    author: str
    avatar: int
    bot: bool = False
    text: Markup = NOTHING
    edited: bool = False
    minimized: str | None = None
    reactions: tuple[tuple[str, int, str], ...] = ()
    state: str = ""
    verb: str = ""
    sha: str = ""


def _entry(hub: Hub, author: str, **fields: Any) -> Entry:
    account = hub.state.data.accounts.get(author.lower())
    return Entry(
        author=author,
        avatar=account.id if account else 0,
        bot=account is not None and account.type == "Bot",
        **fields,
    )


def _comment(hub: Hub, comment: Comment) -> Entry:
    given = [each for each in hub.state.data.reactions.values() if each.comment_id == comment.id]
    counts = Counter(each.content for each in given)
    who = {name: ", ".join(each.author for each in given if each.content == name) for name in counts}
    return _entry(
        hub,
        comment.author,
        kind="comment",
        at=comment.created_at,
        key=f"issuecomment-{comment.id}",
        text=Markup(render(comment.body)),  # noqa: S704
        edited=bool(comment.earlier_bodies),
        minimized=comment.minimized,
        reactions=tuple((EMOJI[name], count, who[name]) for name, count in counts.items()),
    )


def _review(hub: Hub, review: Review) -> Entry:
    return _entry(
        hub,
        review.author,
        kind="review",
        at=review.submitted_at,
        key=f"pullrequestreview-{review.id}",
        text=Markup(render(review.body)) if review.body else NOTHING,  # noqa: S704
        state=review.state.lower(),
        verb=VERBS[review.state],
        sha=review.commit_id,
    )


def _commit(hub: Hub, commit: Commit) -> Entry:
    return _entry(
        hub,
        commit.author,
        kind="commit",
        at=parse_stamp(commit.committer_date),
        key=f"commit-{commit.sha}",
        verb=commit.title,
        sha=commit.sha,
    )


async def pull_commits(hub: Hub, repo: Repo, pull: Pull) -> list[Commit]:
    """The commits of a pull request, oldest first."""
    return await hub.git(repo).commits(f"{pull.base_sha}..{pull.head_sha}")


async def pull_files(hub: Hub, repo: Repo, pull: Pull) -> list[FileChange]:
    """The changed files of a pull request."""
    git = hub.git(repo)
    base = await git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    return await git.diff(base, pull.head_sha)


async def conversation(hub: Hub, repo: Repo, pull: Pull) -> list[Entry]:
    """All events of a pull request, oldest first."""
    opened = _entry(
        hub,
        pull.author,
        kind="comment",
        at=pull.created_at,
        key="opened",
        text=Markup(render(pull.body or "_No description provided._")),  # noqa: S704
    )
    entries = [_comment(hub, each) for each in thread_comments(hub, repo, pull.number)]
    entries += [_review(hub, each) for each in reviews_of(hub, repo, pull.number)]
    entries += [_commit(hub, each) for each in await pull_commits(hub, repo, pull)]
    return [opened, *sorted(entries, key=lambda entry: int(entry.at))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check run as the page shows it."""

    run: CheckRun
    tone: str
    word: str
    buttons: list[dict[str, str]]
    link: str


def checks_of(hub: Hub, repo: Repo, sha: str) -> list[Check]:
    """The newest check run of each name."""
    found = []
    for run in latest(check_runs_of(hub, repo, sha)):
        word = run.conclusion or run.status
        good = run.conclusion in GREEN
        tone = "good" if good else "bad" if run.conclusion else "busy"
        link = check_run_json(hub, repo, run)["details_url"]
        word = WORDS.get(word, word)
        found.append(Check(run=run, tone=tone, word=word, buttons=buttons_of(run), link=link))
    return found


def deployments_of(hub: Hub, repo: Repo, shas: set[str]) -> list[Deployment]:
    """The deployments of a pull request's commits, newest first."""
    every = hub.state.data.deployments.values()
    found = [each for each in every if each.repo == repo.full_name and each.sha in shas]
    return found[::-1]


async def live_values(hub: Hub, repo: Repo, pull: Pull) -> dict[str, Any]:
    """The values of the self-refreshing part of the page."""
    commits = await pull_commits(hub, repo, pull)
    mergeable, merge_state = await mergeability(hub, repo, pull)
    shas = {pull.head_sha, pull.base_sha, *(commit.sha for commit in commits)}
    if pull.merge_commit_sha:
        shas.add(pull.merge_commit_sha)
    return {
        "repo": repo,
        "pull": pull,
        "entries": await conversation(hub, repo, pull),
        "checks": checks_of(hub, repo, pull.head_sha),
        "deployments": deployments_of(hub, repo, shas),
        "mergeable": mergeable,
        "merge_state": merge_state,
        "stamp": stamp,
    }
