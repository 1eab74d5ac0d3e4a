"""Sends calls that are about one repository, with a token for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from bot.adapters.github.call import Call
from bot.adapters.github.credentials import InstallationCredential, Profile, TokenKey, Tokens
from bot.adapters.github.sending import Look, Sender
from bot.adapters.github.transport import Answer
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo
from bot.ports.shared_reads import asked_once

PAGE = 100
_MOST_PAGES = 200


class Client:
    """Signs calls with a token that is limited to the call's repository and to `profile`."""

    def __init__(self, sender: Sender, tokens: Tokens, profile: Profile = Profile.API) -> None:
        self._sender = sender
        self._tokens = tokens
        self._profile = profile

    async def ask(
        self, repo: Repo, call: Call, *, look: Look | None = None, in_doubt: bool = False
    ) -> Answer:
        """Return GitHub's answer to one call; `look` and `in_doubt` are those of `Sender.send`."""
        send = partial(self._sender.send, call, self._credential(repo), look=look, in_doubt=in_doubt)
        if call.write is not None or call.method != "GET":
            return await send()
        return await asked_once((self._profile, call.subject, call.accept), send)

    async def page(self, repo: Repo, call: Call, number: int) -> Answer:
        """Return one page, counted from 1, of a call whose route takes `per_page` and `page`."""
        variables = {**call.variables, "per_page": PAGE, "page": number}
        return await self.ask(repo, replace(call, variables=variables))

    async def every(self, repo: Repo, call: Call) -> list[Any]:
        """Return the items of all pages of a list."""
        items: list[Any] = []
        # GitHub's `Link` header is used only to learn whether there are more pages: its address is not followed.
        for number in range(1, _MOST_PAGES + 1):
            answer = await self.page(repo, call, number)
            found = answer.data if isinstance(answer.data, list) else []
            items += found
            if not found or not (answer.more or len(found) >= PAGE):
                return items
        raise GitHubError(f"{call.doing}: more than {_MOST_PAGES} pages")

    def _credential(self, repo: Repo) -> InstallationCredential:
        self._tokens.installations.learn(repo)
        return credential(self._tokens, repo.owner, repo.name, self._profile)


def credential(tokens: Tokens, owner: str, name: str | None, profile: Profile) -> InstallationCredential:
    """Return the credential of one purpose."""
    return InstallationCredential(tokens=tokens, key=TokenKey(owner=owner, name=name, profile=profile))
