"""What every part of the stand-in shares."""

import asyncio
import base64
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.playground.github.config import StandInConfig
from bot.playground.github.faults import Faults
from bot.playground.github.git_repo import GitRepo, Signature
from bot.playground.github.hooks import Hooks
from bot.playground.github.limits import Limits
from bot.playground.github.model import Account, Installation, Repo
from bot.playground.github.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLog:
    """One answered HTTP request; `status` 0 is a dropped connection."""

    method: str
    path: str
    status: int
    actor: str
    at: float = 0.0
    """When it was answered, in seconds since the epoch."""


@dataclass(slots=True)
class Crash:
    """Something of the stand-in itself that failed."""

    where: str
    text: str


@dataclass(slots=True)
class Journal:
    """What tests look at afterwards."""

    requests: list[RequestLog] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)


class Hub:
    """The stand-in's inner world: records, repositories, webhooks and settings."""

    def __init__(self, config: StandInConfig) -> None:
        self.config = config
        self.clock = config.clock
        self.state = State(config.state_dir, config.clock, config.save_delay)
        self.journal = Journal()
        self.faults = Faults()
        self.limits = Limits(config.clock)
        self.hooks = Hooks(
            self.state,
            url=config.webhook_url,
            secret=config.webhook_secret,
            app_id=config.app_id,
            time_limit=config.delivery_timeout,
            spawn=self.spawn,
        )
        self.url = ""
        self.callback_url = config.callback_url
        self.home = config.state_dir / "home"
        self.home.mkdir(exist_ok=True)
        self.git_root = config.state_dir / "git"
        self._repos: dict[str, GitRepo] = {}

    @property
    def api_url(self) -> str:
        """The REST base, GitHub Enterprise Server style."""
        return f"{self.url}/api/v3"

    @property
    def bot_login(self) -> str:
        """The login under which the App acts."""
        return f"{self.config.app_slug}[bot]"

    def git(self, repo: Repo) -> GitRepo:
        """The git side of a repository."""
        key = repo.full_name.lower()
        if key not in self._repos:
            self._repos[key] = GitRepo(self.repo_path(repo.full_name), self.home)
        return self._repos[key]

    def repo_path(self, full_name: str) -> Path:
        """Where the bare repository lies."""
        return self.git_root / f"{full_name.lower()}.git"

    def signature(self, account: Account) -> Signature:
        """How an account signs its commits now."""
        mail = f"{account.id}+{account.login}@users.noreply.github.com"
        return Signature(name=account.login, email=mail, at=self.clock())

    def installation_of(self, repo: Repo) -> Installation | None:
        """The App's installation that reaches a repository."""
        if not repo.installed:
            return None
        found = self.state.data.installations.values()
        return next((each for each in found if each.account == repo.owner and not each.suspended), None)

    def emit(self, event: str, payload: dict[str, Any], repo: Repo) -> None:
        """Send a repository's event to the App, if it is installed there and subscribed."""
        installation = self.installation_of(repo)
        if installation is None or event not in installation.events:
            return
        node = node_id("Integration", installation.id)
        payload["installation"] = {"id": installation.id, "node_id": node}
        self.hooks.queue(event, payload, installation_id=installation.id, repository_id=repo.id)

    def spawn(self, where: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a background task whose failure is written into the journal."""
        task = asyncio.get_running_loop().create_task(work)

        def done(finished: asyncio.Task[None]) -> None:
            if not finished.cancelled() and (error := finished.exception()) is not None:
                self.crashed(where, error)

        task.add_done_callback(done)
        return task

    def crashed(self, where: str, error: BaseException) -> None:
        """Note a failure of the stand-in."""
        self.journal.crashes.append(Crash(where, "".join(traceback.format_exception(error))))


def node_id(kind: str, number: int) -> str:
    """A global id of GraphQL, opaque to clients."""
    packed = base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")
    return f"{''.join(letter for letter in kind if letter.isupper())}_{packed}"


def number_of_node(node: str) -> int | None:
    """The number inside a global id; None when it is not one of ours."""
    packed = node.partition("_")[2]
    try:
        text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        return int(text.partition(":")[2])
    except ValueError:
        return None
