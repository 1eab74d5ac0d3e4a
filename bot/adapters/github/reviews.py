"""Reads reviews, committers and the activity of a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.adapters.github.call import Call
from bot.adapters.github.client import PAGE, Client
from bot.adapters.github.comments import names
from bot.adapters.github.shapes import ActivityShape, CommitShape, ReviewShape, parse
from bot.domain.core.accounts import Account
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo, Sha
from bot.domain.gates.approvals import Review
from bot.ports.pushers import ActivityPage

_MOST_COMMITS = 250
"""The maximum number of commits that GitHub lists for a pull request."""


class Reviews:
    """Reads reviews, commits and moves of branches."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submitted(self, repo: Repo, number: int) -> Sequence[Review]:
        """Return the submitted reviews, without drafts and those of deleted users."""
        call = Call(
            doing=f"reading the reviews of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}/reviews{?per_page,page}",
            variables={**names(repo), "number": number},
        )
        found = parse(list[ReviewShape], await self._client.every(repo, call), call.doing)
        return [review for each in found if (review := each.as_review()) is not None]

    async def committers(self, repo: Repo, number: int) -> Mapping[Sha, frozenset[Account]]:
        """Return commit -> its authors and committers, as far as GitHub knows them.

        Raises GitHubError for 250 commits or more.
        """
        call = Call(
            doing=f"reading the commits of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}/commits{?per_page,page}",
            variables={**names(repo), "number": number},
        )
        commits = parse(list[CommitShape], await self._client.every(repo, call), call.doing)
        # With exactly this many, there may be more that are not listed.
        if len(commits) >= _MOST_COMMITS:
            raise GitHubError(
                f"{call.doing}: there are {_MOST_COMMITS} or more, and GitHub does not list the rest"
            )
        return {Sha(commit.sha): commit.people for commit in commits}

    async def activity(self, repo: Repo, ref: str, *, cursor: str | None = None) -> ActivityPage:
        """Return a page of the moves of a branch, newest first."""
        more = {} if cursor is None else {"after": cursor}
        call = Call(
            doing=f"reading the activity of {ref} in {repo.full_name}",
            route="/repos/{owner}/{repo}/activity{?ref,per_page,after}",
            variables={**names(repo), "ref": ref, "per_page": PAGE, **more},
        )
        answer = await self._client.ask(repo, call)
        found = parse(list[ActivityShape], answer.data, call.doing)
        moves = [push for each in found if (push := each.as_push()) is not None]
        return ActivityPage(pushes=moves, cursor=answer.cursor)
