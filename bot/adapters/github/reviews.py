"""Who approved a pull request, and who took part in writing it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.adapters.github.call import Call
from bot.adapters.github.client import Client
from bot.adapters.github.comments import names
from bot.adapters.github.shapes import CommitShape, ReviewShape, parse
from bot.domain.approvals import Review
from bot.domain.errors import GitHubError
from bot.domain.model import Login, Repo

_MOST_COMMITS = 250
"""GitHub lists no more commits of a pull request than these."""


class Reviews:
    """Reads reviews and commits."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def submitted(self, repo: Repo, number: int) -> Sequence[Review]:
        """Return the submitted reviews; drafts, and those of deleted users, are left out."""
        call = Call(
            doing=f"reading the reviews of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}/reviews{?per_page,page}",
            variables={**names(repo), "number": number},
        )
        found = parse(list[ReviewShape], await self._client.every(repo, call), call.doing)
        return [review for each in found if (review := each.as_review()) is not None]

    async def committers(self, repo: Repo, number: int) -> frozenset[Login]:
        """Return the users whom GitHub knows behind the authors and committers; GitHubError at 250 commits."""
        call = Call(
            doing=f"reading the commits of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}/commits{?per_page,page}",
            variables={**names(repo), "number": number},
        )
        found = parse(list[CommitShape], await self._client.every(repo, call), call.doing)
        if len(found) >= _MOST_COMMITS:
            raise GitHubError(f"{call.doing}: there are {_MOST_COMMITS} or more, and GitHub lists no others")
        people = [person for commit in found for person in (commit.author, commit.committer)]
        return frozenset(Login(person.login) for person in people if person is not None and person.login)
