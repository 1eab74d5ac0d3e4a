"""Who we are on GitHub."""

from __future__ import annotations

from bot.adapters.github.call import Call
from bot.adapters.github.credentials import AppCredential
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import AppInfo, Comment, parse


class Identity:
    """The App as GitHub describes it, and what it wrote."""

    def __init__(self, sender: Sender, app: AppCredential) -> None:
        self._sender = sender
        self._app = app
        self._info: AppInfo | None = None

    async def ask(self) -> AppInfo:
        """Ask GitHub who we are; proves that the App's id and key are right."""
        call = Call(doing="asking GitHub about the App", route="/app")
        answer = await self._sender.send(call, self._app)
        self._info = parse(AppInfo, answer.data, call.doing)
        return self._info

    async def info(self) -> AppInfo:
        """Return the remembered description."""
        return self._info or await self.ask()

    async def wrote(self, comment: Comment) -> bool:
        """Whether the App's own bot user wrote a comment.

        A person who signs in through the App also comments via it, and other Apps' bots are bots too:
        so it must be a bot, with our App's id, or where GitHub tells no App with our bot's name.
        """
        if comment.user is None or comment.user.type != "Bot":
            return False
        info = await self.info()
        if comment.performed_via_github_app is not None:
            return comment.performed_via_github_app.id == info.id
        return comment.user.login == f"{info.slug}[bot]"
