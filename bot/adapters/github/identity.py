"""The App's own identity on GitHub."""

from __future__ import annotations

from bot.adapters.github.call import Call
from bot.adapters.github.credentials import AppCredential
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import AppInfo, Comment, parse


class Identity:
    """Knows the App, and recognises comments that it wrote."""

    def __init__(self, sender: Sender, app: AppCredential) -> None:
        self._sender = sender
        self._app = app
        self._info: AppInfo | None = None

    async def ask(self) -> AppInfo:
        """Read the App's description from GitHub; proves that its id and key are valid."""
        call = Call(doing="asking GitHub about the App", route="/app")
        answer = await self._sender.send(call, self._app)
        self._info = parse(AppInfo, answer.data, call.doing)
        return self._info

    async def info(self) -> AppInfo:
        """Return the App's description, read once."""
        return self._info or await self.ask()

    async def wrote(self, comment: Comment) -> bool:
        """Whether the App's bot user wrote a comment."""
        # The App alone is not enough, since comments of people who signed in through the App also name it. The type
        # alone is not enough either, since other Apps have bots, too. Where GitHub does not name the App, the login of
        # its bot is compared.
        if comment.user is None or comment.user.type != "Bot":
            return False
        info = await self.info()
        if comment.performed_via_github_app is not None:
            return comment.performed_via_github_app.id == info.id
        return comment.user.login == f"{info.slug}[bot]"
