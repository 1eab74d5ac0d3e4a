"""A working copy of the recorder's repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.adapters.workspace.git import Git, GitResult
from bot.domain.core.git_access import token_config
from tests.recorder.wire import Holder


class Checkout:
    """Commits, rewrites and pushes as the bearer of a token; the token reaches git by its environment alone."""

    def __init__(self, directory: Path, *, origin: str, url: str, who: Holder, name: str, email: str) -> None:
        self._git = Git(home=directory)
        self._directory = directory
        self._tree = directory / "tree"
        self._origin, self._url, self._who = origin, url, who
        self._identity = {"user.name": name, "user.email": email}

    async def clone(self) -> None:
        """Get the repository."""
        await self._run("clone", "--quiet", self._url, str(self._tree), inside=False)

    async def commit(
        self, branch: str, files: Mapping[str, str], *, message: str, on: str | None = None
    ) -> str:
        """Commit files on a branch, which begins at `on` where that is given; returns the commit."""
        await self._run("checkout", "--quiet", *(("-B", branch, on) if on else (branch,)))
        for name, text in files.items():
            (self._tree / name).write_text(text, encoding="utf-8")
        await self._run("add", "--all")
        await self._run("commit", "--quiet", "--allow-empty", f"--message={message}")
        return await self.head()

    async def edit(self, branch: str, *arguments: str) -> str:
        """Run git on a branch; returns the commit that it is at then."""
        await self._run("fetch", "--quiet", "origin")
        await self._run("checkout", "--quiet", branch)
        await self._run(*arguments)
        return await self.head()

    async def push(self, branch: str, *, by: Holder | None = None) -> int:
        """Push a branch, by force where that is needed; returns git's exit code."""
        done = await self._run(
            "push", "--quiet", "--force", self._url, f"{branch}:refs/heads/{branch}", by=by
        )
        return done.exit_code

    async def remote(self, ref: str) -> str:
        """Return the commit of a ref on the server, empty where there is none."""
        said = await self._run("ls-remote", self._url, ref)
        return said.stdout.decode().partition("\t")[0].strip()

    async def can_fetch(self, sha: str) -> bool:
        """Whether the server hands out a commit by its id to a repository that has nothing yet."""
        empty = self._directory / f"fetch-{sha[:12]}"
        await self._run("init", "--quiet", str(empty), inside=False)
        done = await self._run(
            "-C", str(empty), "fetch", "--quiet", "--depth=1", self._url, sha, inside=False
        )
        return done.exit_code == 0

    async def first(self) -> str:
        """Return the commit with which the repository began."""
        said = await self._run("rev-list", "--max-parents=0", "origin/main")
        return said.stdout.decode().split()[0]

    async def head(self) -> str:
        """Return the commit that is checked out."""
        return (await self._run("rev-parse", "HEAD")).stdout.decode().strip()

    async def _run(self, *arguments: str, inside: bool = True, by: Holder | None = None) -> GitResult:
        token = (by or self._who).value
        return await self._git.run(
            f"git {arguments[0]}",
            *arguments,
            cwd=self._tree if inside else self._directory,
            config={**self._identity, **token_config(self._origin, token)},
            accept=(0, 1, 128) if arguments[0] in {"push", "-C"} else (0,),
        )
