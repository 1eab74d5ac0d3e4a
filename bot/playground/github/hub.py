"""The parts that all modules of the stand-in share."""

import asyncio
import base64
import traceback
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.playground.github.config import StandInConfig
from bot.playground.github.faults.lag import Lag
from bot.playground.github.faults.late_tips import LateTips
from bot.playground.github.faults.orders import Faults
from bot.playground.github.git.repo import GitRepo, Signature
from bot.playground.github.grants import delivers, registration_faults
from bot.playground.github.limits import Limits, Size
from bot.playground.github.records.model import Account, Installation, Repo
from bot.playground.github.records.state import State
from bot.playground.github.webhooks import Hooks

GHOST, GHOST_ID = "ghost", 10137
"""The account that replaces deleted ones (travisbrown/octocrabby#2)."""


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
    """A failure inside the stand-in."""

    where: str
    text: str


@dataclass(slots=True)
class Journal:
    """What tests look at afterwards."""

    requests: list[RequestLog] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)


class Hub:
    """The shared state of the stand-in: records, repositories, webhooks and settings."""

    def __init__(self, config: StandInConfig) -> None:
        if faults := registration_faults(config.app_permissions, config.app_events):
            raise ValueError("; ".join(faults))
        self.config = config
        self.clock = config.clock
        self.state = State(config.state_dir, config.clock, config.save_delay)
        self.journal = Journal()
        self.faults = Faults()
        self.limits = Limits(config.clock, self._size_of)
        self.lag = Lag(config.lag_seed, config.lag_longest, config.lag_clock)
        self.lag.begin(
            {
                (repo.full_name, number): pull
                for repo in self.state.data.repos.values()
                for number, pull in repo.pulls.items()
            }
        )
        self.late_tips = LateTips(config.tip_lag_seed, config.tip_lag_longest, config.tip_lag_clock)
        self.hooks = Hooks(
            self.state,
            url=config.webhook_url,
            secret=config.webhook_secret,
            app_id=config.app_id,
            time_limit=config.delivery_timeout,
            content_type=config.hook_content_type,
            kept=config.kept_deliveries,
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
        """The path of the bare repository."""
        return self.git_root / f"{full_name.lower()}.git"

    def signature(self, account: Account) -> Signature:
        """How an account signs its commits now."""
        mail = f"{account.id}+{account.login}@users.noreply.github.com"
        return Signature(name=account.login, email=mail, at=self.clock())

    def signature_of(self, login: str) -> Signature:
        """How the account of a login signs, or the ghost in its place where it was deleted."""
        found = self.state.data.accounts.get(login.lower())
        return self.signature(found or Account(id=GHOST_ID, login=GHOST))

    def installation_of(self, repo: Repo, *, even_suspended: bool = False) -> Installation | None:
        """The App's installation that reaches a repository."""
        found = self.installation_on(repo.owner) if repo.installed else None
        return None if found is None or (found.suspended and not even_suspended) else found

    def installation_on(self, account: str) -> Installation | None:
        """The App's installation on an account, suspended or not."""
        found = self.state.data.installations.values()
        return next((each for each in found if each.account.lower() == account.lower()), None)

    def _size_of(self, caller: str) -> Size:
        """The size of the organisation on which an installation is, by its name as a caller."""
        kind, _, number = caller.partition(" ")
        found = self.state.data.installations.get(int(number)) if kind == "installation" else None
        if found is None:
            return Size()
        owned = [each for each in self.state.data.repos.values() if each.installed]
        return Size(
            repositories=sum(each.owner.lower() == found.account.lower() for each in owned),
            users=len(self.state.account(found.account).members),
            enterprise=self.config.enterprise_cloud,
        )

    def emit(self, event: str, payload: dict[str, Any], repo: Repo) -> None:
        """Send a repository's event to the App, if it is installed there, subscribed and permitted."""
        installation = self.installation_of(repo)
        if installation is None:
            return
        if not delivers(installation.permissions, installation.events, event, payload.get("action")):
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
        """Record a failure of the stand-in."""
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
