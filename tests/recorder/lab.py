"""What an experiment works with: a repository, people, the App, git and time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.github.call import ANSWER, CONTENT, Call
from bot.adapters.github.credentials import AppCredential
from bot.adapters.github.options import Waits
from bot.adapters.github.sending import Credential, Sender
from bot.domain.core.errors import GitHubError
from bot.ports import Clock
from tests.recorder.answers import About, field_of, items_of, words
from tests.recorder.checkout import Checkout
from tests.recorder.model import Exchange, Findings, Json, Step
from tests.recorder.redaction import Redaction
from tests.recorder.terminal import Person
from tests.recorder.wire import Holder, RecordingTransport

REPO = "/repos/{owner}/{repo}"
_CREATES = ("/comments", "/forks", "/merge", "/pulls", "/refs", "/repos", "/reviews", "/teams")
Variables = Mapping[str, str | int | Sequence[str]]
_DELIVERIES = 30
_FOUND = 200
_LOOKED_INTO = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request of an experiment."""

    number: int
    branch: str
    head: str
    review: int | None = None


@dataclass(slots=True, kw_only=True)
class Lab:
    """One organisation, one repository of the recorder's own, and all that may be done there."""

    wire: RecordingTransport
    sender: Sender
    clock: Clock
    waits: Waits
    person: Person
    redaction: Redaction
    author: Holder
    organisation: str
    directory: Path
    author_login: str = ""
    repository: str = ""
    repository_id: int = 0
    reviewer: Holder | None = None
    reviewer_login: str = ""
    app: AppCredential | None = None
    installation_id: int = 0
    second: str = ""
    checkout: Checkout = field(init=False)
    made: list[str] = field(default_factory=list)
    """Addresses of what was made, for `--delete`."""
    asked: list[Json] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        route: str,
        *,
        by: Credential | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str | None = None,
        variables: Variables | None = None,
        **named: str | int,
    ) -> Exchange:
        """Return the exchange of one request, refused or not; `{owner}` and `{repo}` are the lab's."""
        who = by or self.author
        kind = CONTENT if method == "POST" and route.endswith(_CREATES) else ANSWER
        more = {**named, **(variables or {})}
        given = {"owner": self.organisation, "repo": self.repository, "org": self.organisation, **more}
        call = Call(
            doing=f"{method} {route}",
            route=route,
            method=method,
            body=body,
            write=None if method == "GET" else kind,
            variables={
                name: value for name, value in given.items() if f"{{{name}}}" in route or name in more
            },
        )
        before = len(self.wire.exchanges)
        self.wire.by, self.wire.accept = who.scope, accept
        try:
            await self.sender.send(call, who)
        except GitHubError:
            if len(self.wire.exchanges) == before:
                raise
        return self.wire.exchanges[-1]

    async def installation(self, permissions: Mapping[str, str] | None = None) -> Holder | None:
        """Return an installation token with these permissions, or with all; None where GitHub refuses it."""
        body = {"permissions": dict(permissions)} if permissions else {}
        made = await self.ask(
            "POST",
            "/app/installations/{installation_id}/access_tokens",
            by=self.app,
            body=body,
            installation_id=self.installation_id,
        )
        token = field_of(made, "token")
        if not isinstance(token, str):
            return None
        self.redaction.keep(token)
        return Holder(scope=f"installation with {words(permissions)}", value=token)

    async def all_of_app(self) -> Holder:
        """Return an installation token with all that was granted."""
        token = await self.installation()
        if token is None:
            raise GitHubError("the App has no token here; install it on all repositories of the organisation")
        return token

    async def commit(self, branch: str, text: str, *, on: str | None = None, push: bool = True) -> str:
        """Commit a file that is called as its branch, and push it."""
        sha = await self.checkout.commit(branch, {f"{branch}.txt": f"{text}\n"}, message=text, on=on)
        if push:
            await self.checkout.push(branch)
        return sha

    async def pull(self, branch: str, *, approved: bool = False, by: Holder | None = None) -> Pull:
        """Open a pull request of one commit, and have it approved."""
        head = await self.commit(branch, "first", on="origin/main")
        body = {"title": branch, "head": branch, "base": "main"}
        number = field_of(await self.ask("POST", f"{REPO}/pulls", body=body, by=by), "number")
        number = number or await self._open_pull(branch)
        review = await self._approve(number) if approved else None
        return Pull(number=number, branch=branch, head=head, review=review)

    async def _approve(self, number: int) -> int | None:
        """Approve as the reviewer, as soon as REST knows the pull request."""
        route = f"{REPO}/pulls/{{pull_number}}/reviews"
        said: list[Exchange] = []

        async def approved() -> bool:
            body = {"event": "APPROVE"}
            said.append(await self.ask("POST", route, by=self.reviewer, body=body, pull_number=number))
            return said[-1].status == _FOUND

        await self.until(approved, seconds=10, every=2)
        review = field_of(said[-1], "id")
        return int(review) if review else None

    async def _open_pull(self, branch: str) -> int:
        """Return the pull request that an earlier evening has left open."""
        head = f"{self.organisation}:{branch}"
        listed = items_of(await self.ask("GET", f"{REPO}/pulls{{?head}}", head=head))
        if not listed:
            raise GitHubError(f"no pull request could be opened for {branch}")
        return int(listed[0]["number"])

    async def read_pull(self, number: int) -> Exchange:
        """Return a pull request as REST shows it now."""
        return await self.ask("GET", f"{REPO}/pulls/{{pull_number}}", pull_number=number)

    async def until(
        self, holds: Callable[[], Awaitable[bool]], *, seconds: float = 60, every: float = 1
    ) -> float | None:
        """Return after how many seconds something held, None where it did not within `seconds`."""
        started = self.waits.monotonic()
        while not await holds():
            if self.waits.monotonic() - started >= seconds:
                return None
            await self.waits.sleep(every)
        return round(self.waits.monotonic() - started, 1)

    async def head_shown(self, number: int, sha: str) -> float | None:
        """Wait until REST shows a head; returns after how many seconds."""

        async def shown() -> bool:
            return bool(field_of(await self.read_pull(number), "head", "sha") == sha)

        return await self.until(shown)

    async def delivered(self, event: str, action: str | None, about: About) -> Json:
        """Return the payload of a delivery as GitHub kept it, empty where none is about what is looked for."""
        looked_into: set[int] = set()
        found: list[Json] = []

        async def kept() -> bool:
            listed = await self.ask(
                "GET", "/app/hook/deliveries{?per_page}", by=self.app, per_page=_DELIVERIES
            )
            wanted = (event, action, self.repository_id)
            entries = [
                each
                for each in items_of(listed)
                if (each["event"], each["action"], each["repository_id"]) == wanted
                and each["id"] not in looked_into
            ]
            for each in entries[:_LOOKED_INTO]:
                looked_into.add(each["id"])
                route = "/app/hook/deliveries/{delivery_id}"
                shown = await self.ask("GET", route, by=self.app, delivery_id=each["id"])
                payload = field_of(shown, "request", "payload")
                if isinstance(payload, dict) and about(payload):
                    found.append(payload)
                    return True
            return False

        if self.app is not None:
            await self.until(kept, seconds=15, every=3)
        return found[0] if found else {}

    async def play(self, steps: Iterable[Step]) -> Json:
        """Have a person play the steps; returns what was answered."""
        facts: Json = {}
        for step in steps:
            self.person.say(f"\n{step.do}")
            if step.ask:
                facts[step.fact] = await self.question(step.ask)
        return facts

    async def question(self, text: str) -> str:
        """Ask the person, and keep the answer."""
        answer = await self.person.ask(text)
        self.asked.append({"question": text, "answer": answer})
        return answer

    async def played(self, steps: Iterable[Step]) -> Findings:
        """Have a person play the steps, and take the answers for the facts."""
        return Findings(facts=await self.play(steps))
