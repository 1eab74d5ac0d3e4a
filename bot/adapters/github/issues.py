"""The App's issues, each opened once although an answer may be lost."""

from __future__ import annotations

from bot.adapters.github.call import NOTE, RECORD, Call
from bot.adapters.github.client import Client
from bot.adapters.github.comments import names
from bot.adapters.github.identity import Identity
from bot.adapters.github.sending import Look
from bot.adapters.github.shapes import IssueShape, parse
from bot.adapters.github.transport import Answer
from bot.domain.core.model import Repo
from bot.ports.issues import IssueText

_TITLE_LIMIT = 256


class Issues:
    """Opens, updates and closes issues."""

    def __init__(self, client: Client, identity: Identity) -> None:
        self._client = client
        self._identity = identity

    async def create(self, repo: Repo, text: IssueText, *, in_doubt: bool) -> int:
        """Open an issue; returns its number."""
        call = Call(
            doing=f"opening an issue in {repo.full_name}",
            method="POST",
            route="/repos/{owner}/{repo}/issues",
            variables=names(repo),
            body={"title": text.title[:_TITLE_LIMIT], "body": text.body},
            write=NOTE,
        )
        answer = await self._client.ask(repo, call, look=self._look(repo, text), in_doubt=in_doubt)
        return parse(IssueShape, answer.data, call.doing).number

    async def update(self, repo: Repo, number: int, text: IssueText) -> None:
        """Replace title, body and state of an issue; raises GitHubNotFoundError if it was deleted."""
        call = Call(
            doing=f"updating issue {repo.full_name}#{number}",
            method="PATCH",
            route="/repos/{owner}/{repo}/issues/{number}",
            variables={**names(repo), "number": number},
            body={
                "title": text.title[:_TITLE_LIMIT],
                "body": text.body,
                "state": "open" if text.is_open else "closed",
            },
            write=RECORD,
            is_state=True,
        )
        await self._client.ask(repo, call)

    def _look(self, repo: Repo, text: IssueText) -> Look:
        """Return a function that looks for an open issue of the App with the same first line."""
        marker = text.body.split("\n", 1)[0].rstrip("\r")
        call = Call(
            doing=f"looking for an issue in {repo.full_name}",
            route="/repos/{owner}/{repo}/issues{?state,creator,per_page,page}",
            variables={**names(repo), "state": "open"},
        )

        async def look() -> Answer | None:
            # Only issues of the App: other people may quote its marker.
            creator = f"{(await self._identity.info()).slug}[bot]"
            ours = Call(doing=call.doing, route=call.route, variables={**call.variables, "creator": creator})
            for data in await self._client.every(repo, ours):
                if parse(IssueShape, data, call.doing).first_line == marker:
                    return Answer(data=data, more=False)
            return None

        return look
