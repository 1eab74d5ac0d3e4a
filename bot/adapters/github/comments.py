"""Comments on pull requests, each written once although an answer may be lost."""

from __future__ import annotations

from datetime import datetime

from bot.adapters.github.call import ANSWER, CONTENT, GRAPHQL, REACTION, RECORD, UPDATE, Call
from bot.adapters.github.client import PAGE, Client
from bot.adapters.github.identity import Identity
from bot.adapters.github.sending import SKEW, Look
from bot.adapters.github.shapes import Comment, PullShape, parse
from bot.adapters.github.transport import Answer
from bot.domain.core.errors import GitHubNotFoundError
from bot.domain.core.model import Repo
from bot.ports import Clock, Posted

MARKER = "<!-- gatewright"
_ONE = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
_MINIMIZE = """
mutation($subject: ID!) {
  minimizeComment(input: {subjectId: $subject, classifier: OUTDATED}) {
    minimizedComment { isMinimized }
  }
}
"""


class Comments:
    """Writes, finds, updates and folds comments."""

    def __init__(self, client: Client, identity: Identity, clock: Clock) -> None:
        self._client = client
        self._identity = identity
        self._clock = clock

    async def write(self, repo: Repo, number: int, body: str, *, asked: bool) -> Posted:
        """Write a comment.

        A retry within this call does not write it twice if the body begins with our marker. After a crash,
        look with `find` first.
        """
        call = Call(
            doing=f"commenting on {repo.full_name}#{number}",
            method="POST",
            route="/repos/{owner}/{repo}/issues/{number}/comments",
            variables={**names(repo), "number": number},
            body={"body": body},
            write=ANSWER if asked else CONTENT,
        )
        look = self._look(repo, number, body) if body.startswith(MARKER) else None
        answer = await self._client.ask(repo, call, look=look)
        comment = parse(Comment, answer.data, call.doing)
        return Posted(id=comment.id, node_id=comment.node_id, at=comment.created_at)

    async def update(self, repo: Repo, comment_id: int, body: str, *, asked: bool) -> Posted:
        """Replace a comment's body; raises GitHubNotFoundError if it was deleted."""
        call = Call(
            doing=f"updating comment {comment_id} on {repo.full_name}",
            method="PATCH",
            route=_ONE,
            variables={**names(repo), "comment_id": comment_id},
            body={"body": body},
            write=REACTION if asked else UPDATE,
            is_state=True,
        )
        comment = parse(Comment, (await self._client.ask(repo, call)).data, call.doing)
        return Posted(id=comment.id, node_id=comment.node_id, at=comment.updated_at)

    async def find(self, repo: Repo, number: int, marker: str) -> Posted | None:
        """Return the App's newest comment with `marker` in its first line."""
        pull = Call(
            doing=f"counting the comments of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}",
            variables={**names(repo), "number": number},
        )
        # GitHub lists comments oldest first only, so the number of comments determines the last page.
        count = parse(PullShape, (await self._client.ask(repo, pull)).data, pull.doing).comments
        call = self._list(repo, number)
        for page in range(count // PAGE + 1, 0, -1):
            answer = await self._client.page(repo, call, page)
            for comment in reversed(parse(list[Comment], answer.data, call.doing)):
                if marker in comment.first_line and await self._identity.wrote(comment):
                    return Posted(id=comment.id, node_id=comment.node_id, at=comment.updated_at)
        return None

    async def minimize(self, repo: Repo, comment_id: int, *, node_id: str | None = None) -> None:
        """Fold a comment as outdated; does nothing if it was deleted."""
        doing = f"folding comment {comment_id} on {repo.full_name}"
        try:
            subject = node_id or await self._node_id(repo, comment_id, doing)
            body = {"query": _MINIMIZE, "variables": {"subject": subject}}
            call = Call(doing=doing, method="POST", route=GRAPHQL, body=body, write=RECORD)
            await self._client.ask(repo, call)
        except GitHubNotFoundError:
            return

    async def _node_id(self, repo: Repo, comment_id: int, doing: str) -> str:
        read = Call(doing=doing, route=_ONE, variables={**names(repo), "comment_id": comment_id})
        return parse(Comment, (await self._client.ask(repo, read)).data, doing).node_id

    async def react(self, repo: Repo, comment_id: int, content: str) -> None:
        """Add a reaction; does nothing if the comment was deleted."""
        call = Call(
            doing=f"reacting to comment {comment_id} on {repo.full_name}",
            method="POST",
            route=f"{_ONE}/reactions",
            variables={**names(repo), "comment_id": comment_id},
            body={"content": content},
            write=REACTION,
        )
        try:
            await self._client.ask(repo, call)
        except GitHubNotFoundError:
            return

    def _list(self, repo: Repo, number: int) -> Call:
        return Call(
            doing=f"reading the comments of {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/issues/{number}/comments{?since,per_page,page}",
            variables={**names(repo), "number": number},
        )

    def _look(self, repo: Repo, number: int, body: str) -> Look:
        """Return a function that looks for this comment among those written from now on."""
        marker, since = body.split("\n", 1)[0].rstrip("\r"), self._clock.now() - SKEW

        async def look() -> Answer | None:
            plain = self._list(repo, number)
            call = Call(
                doing=plain.doing,
                route=plain.route,
                variables={**plain.variables, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"},
            )
            found = await self._client.every(repo, call)
            for data in reversed(found):
                if await self._is(parse(Comment, data, call.doing), marker, since):
                    return Answer(data=data, more=False)
            return None

        return look

    async def _is(self, comment: Comment, marker: str, since: datetime) -> bool:
        """Whether a comment is the one that was written."""
        # An older comment may have been edited in between, so the time of its creation is compared.
        return (
            comment.first_line == marker
            and comment.created_at >= since
            and await self._identity.wrote(comment)
        )


def names(repo: Repo) -> dict[str, str]:
    """Return the variables that every route on a repository has."""
    return {"owner": repo.owner, "repo": repo.name}
