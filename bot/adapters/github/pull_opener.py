"""Opens pull requests."""

from __future__ import annotations

from bot.adapters.github.call import CONTENT, Call
from bot.adapters.github.client import Client
from bot.adapters.github.comments import names
from bot.adapters.github.shapes import PullShape, parse
from bot.adapters.github.transport import Answer
from bot.domain.core.model import Repo


class PullRequests:
    """Opens pull requests for branches that the App pushed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def open(self, repo: Repo, *, branch: str, base: str, title: str, body: str) -> int:
        """Open a pull request unless the branch has an open one; returns its number."""
        call = Call(
            doing=f"opening a pull request of {branch} in {repo.full_name}",
            method="POST",
            route="/repos/{owner}/{repo}/pulls",
            variables=names(repo),
            body={"title": title, "head": branch, "base": base, "body": body},
            write=CONTENT,
        )
        # GitHub refuses a second pull request for a branch, even if only the answer to the first attempt was lost.
        # So an existing one is always looked for first.
        answer = await self._client.ask(repo, call, look=lambda: self._find(repo, branch), in_doubt=True)
        return parse(PullShape, answer.data, call.doing).number

    async def _find(self, repo: Repo, branch: str) -> Answer | None:
        call = Call(
            doing=f"looking for a pull request of {branch} in {repo.full_name}",
            route="/repos/{owner}/{repo}/pulls{?state,head,per_page,page}",
            variables={**names(repo), "state": "open", "head": f"{repo.owner}:{branch}"},
        )
        answer = await self._client.page(repo, call, 1)
        if not parse(list[PullShape], answer.data, call.doing):
            return None
        return Answer(data=answer.data[0], more=False)
