"""The records in memory, and their file."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from bot.playground.github.errors import not_found
from bot.playground.github.records.model import Account, Data, Repo, Role


class State:
    """All records, written to `state.json` a moment after each change, atomically."""

    def __init__(self, directory: Path, clock: Callable[[], float], save_delay: float) -> None:
        self.directory = directory
        self.clock = clock
        self._path = directory / "state.json"
        self._delay = save_delay
        self._timer: asyncio.TimerHandle | None = None
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data = Data.model_validate_json(self._path.read_bytes()) if self._path.exists() else Data()

    def changed(self) -> None:
        """Mark the records as changed; the file is written after the save delay."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self.save)

    def save(self) -> None:
        """Write now. A kill leaves the old or the new file, never a torn one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("wb") as stream:
            stream.write(self.data.model_dump_json().encode())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self._path)

    def small_id(self) -> int:
        """The next id of accounts, repositories and installations."""
        self.data.small_id += 1
        return self.data.small_id

    def large_id(self) -> int:
        """The next id of comments, checks and the like; above 2^31, as GitHub's are."""
        self.data.large_id += 1
        return self.data.large_id

    def account(self, login: str) -> Account:
        """An account by login, whatever its case; 404 when there is none."""
        found = self.data.accounts.get(login.lower())
        if found is None:
            raise not_found()
        return found

    def repo(self, full_name: str) -> Repo:
        """A repository by `owner/name`, whatever its case; 404 when there is none."""
        found = self.data.repos.get(full_name.lower())
        if found is None:
            raise not_found()
        return found

    def repo_by_id(self, repo_id: int) -> Repo | None:
        """A repository by id."""
        return next((repo for repo in self.data.repos.values() if repo.id == repo_id), None)

    def role(self, repo: Repo, login: str) -> Role:
        """Return a login's strongest role on a repository: its own, a team's or an owner's."""
        account = self.data.accounts.get(login.lower())
        if account is None or account.type != "User":
            return Role.NONE
        owner = self.account(repo.owner)
        if owner.login == account.login or owner.members.get(account.login) == "admin":
            return Role.ADMIN
        roles = [Role.NONE if repo.private else Role.READ]
        roles.append(repo.collaborators.get(account.login, Role.NONE))
        for slug, role in repo.team_roles.items():
            team = self.data.teams.get(f"{repo.owner}/{slug}".lower())
            if team and account.login in team.members:
                roles.append(role)
        return max(roles, key=list(Role).index)
