"""Git operations on one bare repository."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.playground.github.git.diff import FileChange, parse_diff
from bot.playground.github.git.process import GitError, run_git

_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B%x1e"
_DATES = "--date=format-local:%Y-%m-%dT%H:%M:%SZ"
FULL_SHA = re.compile(r"[0-9a-f]{40}")
BRANCH = re.compile(r"[^-/\s~^:?*\[\\\x00-\x20][^\s~^:?*\[\\\x00-\x20]*")
_CONFIG = {
    "receive.hideRefs": "refs/pull",
    "transfer.hideRefs": "refs/network",
    "receive.denyDeleteCurrent": "ignore",
    "http.receivepack": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
    "gc.auto": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit; dates are ISO 8601 in UTC."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    author_email: str
    author_date: str
    committer: str
    committer_email: str
    committer_date: str
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One entry of a directory; `kind` is blob, tree or commit."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who commits and when, in seconds since the epoch."""

    name: str
    email: str
    at: float


class GitRepo:
    """A bare repository on disk. Callers that change refs must hold `lock`."""

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path
        self.home = home
        self.lock = asyncio.Lock()
        self._diffs: dict[tuple[str, str], list[FileChange]] = {}

    async def git(self, *args: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
        """Run git in the repository and give its standard output, stripped."""
        _, output = await run_git(*args, home=self.home, cwd=self.path, stdin=stdin, extra=extra)
        return output.decode(errors="replace").strip()

    async def create(self, default_branch: str) -> None:
        """Make the bare repository."""
        self.path.mkdir(parents=True)
        await self.git("init", "--quiet", "--bare", f"--initial-branch={default_branch}", ".")
        for key, value in _CONFIG.items():
            await self.git("config", key, value)

    async def refs(self) -> dict[str, str]:
        """All refs by full name."""
        lines = (await self.git("for-each-ref", "--format=%(objectname) %(refname)")).splitlines()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}

    async def resolve(self, revision: str) -> str | None:
        """Return the commit that a branch, tag, full ref or SHA names, branches first."""
        if revision.startswith("-") or not revision:
            return None
        named = (f"refs/heads/{revision}", f"refs/{revision}", f"refs/tags/{revision}", revision)
        for name in (revision,) if FULL_SHA.fullmatch(revision) else named:
            code, output = await run_git(
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                f"{name}^{{commit}}",
                home=self.home,
                cwd=self.path,
                allowed=(0, 1, 128),
            )
            if code == 0:
                return output.decode().strip()
        return None

    async def update_ref(self, ref: str, sha: str, *, old: str | None = None) -> None:
        """Point a full ref at a commit; with `old` only if it still points there."""
        await self.git("update-ref", ref, sha, *([old] if old is not None else []))

    async def delete_ref(self, ref: str) -> None:
        """Remove a full ref."""
        await self.git("update-ref", "-d", ref)

    async def commits(self, revisions: str, *, limit: int = 250) -> list[Commit]:
        """The commits of a range `a..b`, oldest first."""
        return await self._log(revisions, f"--max-count={limit}", "--reverse", "--topo-order")

    async def commit(self, sha: str) -> Commit:
        """One commit; raises GitError when it does not exist."""
        return (await self._log(sha, "--max-count=1"))[0]

    async def _log(self, revisions: str, *options: str) -> list[Commit]:
        text = await self.git("log", f"--format={_FORMAT}", _DATES, *options, "--end-of-options", revisions)
        return [_commit(record.strip("\n")) for record in text.split("\x1e") if record.strip("\n")]

    async def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor; None for unrelated histories."""
        code, output = await run_git("merge-base", one, other, home=self.home, cwd=self.path, allowed=(0, 1))
        return output.decode().strip() if code == 0 else None

    async def is_ancestor(self, ancestor: str, sha: str) -> bool:
        """Whether `sha` contains `ancestor`."""
        code, _ = await run_git(
            "merge-base", "--is-ancestor", ancestor, sha, home=self.home, cwd=self.path, allowed=(0, 1, 128)
        )
        return code == 0

    async def count(self, revisions: str) -> int:
        """How many commits a range holds."""
        return int(await self.git("rev-list", "--count", revisions))

    async def diff(self, old: str, new: str) -> list[FileChange]:
        """The changed files between two trees, renames detected."""
        if (old, new) not in self._diffs:
            options = ("diff", "-M", "--no-color", "--no-ext-diff", "--full-index")
            _, raw = await run_git(
                *options, "--raw", "--numstat", "-z", old, new, home=self.home, cwd=self.path
            )
            _, patch = await run_git(*options, old, new, home=self.home, cwd=self.path)
            self._diffs[old, new] = parse_diff(raw, patch)
        return self._diffs[old, new]

    async def patch(self, old: str, new: str) -> str:
        """The diff as one text."""
        return await self.git("diff", "-M", "--no-color", old, new) + "\n"

    async def list_tree(self, sha: str, path: str, *, recursive: bool = False) -> list[TreeEntry]:
        """The entry at `path`, or with a trailing slash (or an empty path) what the directory holds."""
        options = ["-r"] if recursive else []
        text = await self.git("ls-tree", "-l", "-z", *options, sha, *(["--", path] if path else []))
        return [_entry(line) for line in text.split("\0") if line]

    async def blob(self, sha: str) -> bytes:
        """The content of a blob."""
        _, output = await run_git("cat-file", "blob", sha, home=self.home, cwd=self.path)
        return output

    async def read(self, revision: str, path: str) -> bytes | None:
        """A file at a revision; None when there is none."""
        sha = await self.resolve(revision)
        if sha is None:
            return None
        entries = await self.list_tree(sha, path)
        return await self.blob(entries[0].sha) if entries and entries[0].kind == "blob" else None

    async def write(
        self, branch: str, files: Mapping[str, str | None], *, by: Signature, message: str, start: str | None
    ) -> str:
        """Commit files (None deletes) on a branch, which begins at `start` when it is new."""
        if not BRANCH.fullmatch(branch):
            raise GitError(128, f"invalid branch {branch!r}")
        ref = f"refs/heads/{branch}"
        parent = (await self.refs()).get(ref) or start
        stream = _import_stream(ref, files, by=by, message=message, parent=parent)
        await self.git("fast-import", "--quiet", "--done", stdin=stream)
        return await self.git("rev-parse", ref)

    async def fetch_from(self, other: "GitRepo", sha: str, ref: str) -> None:
        """Fetch a commit of another repository of the same stand-in, under `ref`."""
        await self.git("fetch", "--quiet", "--no-tags", str(other.path), f"+{sha}:{ref}")


def _commit(record: str) -> Commit:
    sha, tree, parents, author, mail, date, committer, committer_mail, committer_date, message = record.split(
        "\0"
    )
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=author,
        author_email=mail,
        author_date=date,
        committer=committer,
        committer_email=committer_mail,
        committer_date=committer_date,
        message=message.rstrip("\n"),
    )


def _entry(line: str) -> TreeEntry:
    head, path = line.split("\t", 1)
    mode, kind, sha, size = head.split()
    return TreeEntry(mode=mode, kind=kind, sha=sha, size=0 if size == "-" else int(size), path=path)


def _import_stream(
    ref: str, files: Mapping[str, str | None], *, by: Signature, message: str, parent: str | None
) -> bytes:
    """A fast-import stream: one process writes any number of files."""
    who = f"{by.name} <{by.email}> {int(by.at)} +0000"
    text = message.encode()
    parts = [f"commit {ref}\nauthor {who}\ncommitter {who}\ndata {len(text)}\n".encode() + text + b"\n"]
    if parent is not None:
        parts.append(f"from {parent}\n".encode())
    for path, content in files.items():
        if "\n" in path or path.startswith(('"', "/")) or ".." in path.split("/"):
            raise GitError(128, f"invalid path {path!r}")
        if content is None:
            parts.append(f"D {path}\n".encode())
            continue
        data = content.encode()
        mode = "100755" if content.startswith("#!") else "100644"
        parts.append(f"M {mode} inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join([*parts, b"\ndone\n"])
