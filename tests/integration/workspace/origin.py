"""A real repository that a workspace clones from, built commit by commit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.domain.core.model import EnvName, ProjectName, Repo, Sha, Stack, StateKey

REPO = Repo(owner="acme", name="infra", installation_id=1)
STACK = Stack(
    repo="acme/infra",
    project=ProjectName("default"),
    env=EnvName("staging"),
    state_key=StateKey("staging/terraform.tfstate"),
    directory="terraform",
    var_file="envs/staging.tfvars",
)
_ENVIRONMENT = {
    "PATH": os.defpath + ":/usr/local/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Dev",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Dev",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


async def git(*arguments: str, cwd: Path, stdin: bytes = b"") -> str:
    """Run git and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=cwd,
        env=_ENVIRONMENT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate(stdin)
    assert process.returncode == 0, stderr.decode()
    return stdout.decode().strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link in a commit."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An executable file in a commit."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A gitlink in a commit."""

    commit: str = "1" * 40


Content = str | bytes | Link | Program | Submodule


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A bare repository; commits are made from a mapping, so that any tree can be made, harmful ones too."""

    path: Path

    @classmethod
    async def create(cls, path: Path) -> Origin:
        """Fill an empty directory with a repository that serves any reachable commit, as GitHub does."""
        await git("init", "--quiet", "--bare", "-b", "main", ".", cwd=path)
        await git("config", "uploadpack.allowReachableSHA1InWant", "true", cwd=path)
        return cls(path=path)

    async def commit(
        self, files: Mapping[str, Content], *, ref: str = "refs/heads/main", parents: tuple[str, ...] = ()
    ) -> Sha:
        """Commit exactly these files and point `ref` at the commit."""
        tree = await self.tree(files)
        arguments = [word for parent in parents for word in ("-p", parent)]
        commit = await git("commit-tree", tree, "-m", "a change", *arguments, cwd=self.path)
        await git("update-ref", ref, commit, cwd=self.path)
        return Sha(commit)

    async def tree(self, files: Mapping[str, Content]) -> str:
        """Write a tree and return its id; names are not checked, as a hostile client does not check them."""
        directories: dict[str, dict[str, Content]] = {}
        lines: list[str] = []
        for path, content in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                directories.setdefault(name, {})[rest] = content
            else:
                lines.append(await self._line(name, content))
        for name, inside in directories.items():
            lines.append(f"040000 tree {await self.tree(inside)}\t{name}")
        return await git("mktree", "-z", "--missing", cwd=self.path, stdin="\0".join(lines).encode())

    async def _line(self, name: str, content: Content) -> str:
        match content:
            case Submodule():
                return f"160000 commit {content.commit}\t{name}"
            case Link():
                return f"120000 blob {await self._blob(content.target)}\t{name}"
            case Program():
                return f"100755 blob {await self._blob(content.text)}\t{name}"
            case _:
                return f"100644 blob {await self._blob(content)}\t{name}"

    async def _blob(self, content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        return await git("hash-object", "-w", "--stdin", cwd=self.path, stdin=raw)
