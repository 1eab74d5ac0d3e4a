"""Bubblewrap around Terraform.

It sees the tree, its own data and the system's programs, and nothing of the bot.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from bot.adapters.terraform.environment import SEARCH_PATH
from bot.adapters.terraform.paths import INSIDE, shown_inside, write_private
from bot.adapters.terraform.process import INFO_FD
from bot.domain.core.errors import GatewrightError

PROOF_TIMEOUT = 20.0
_PROOF_MEMORY = 64 << 20

_TOP_LEVEL = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_ETC = (
    "alternatives",
    "ca-certificates",
    "hosts",
    "ld.so.cache",
    "nsswitch.conf",
    "pki",
    "resolv.conf",
    "ssl",
)
_ISOLATION = ("--unshare-all", "--as-pid-1", "--cap-drop", "ALL")
# Without `--as-pid-1` bubblewrap's own process would be pid 1 inside: its environment would be readable there, and
# SIGINT would not reach Terraform.


class SandboxError(GatewrightError):
    """Bubblewrap does not work on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """What one program gets to see, and the little that it may change."""

    tree: Path
    tree_writable: bool
    data: Path
    data_writable: bool
    output: Path
    """A fresh directory, the one place besides the tree whose content is looked at afterwards."""
    files: Mapping[Path, Path]
    """Place inside -> file on this machine, all read-only."""
    accounts: Path
    """A directory with the `passwd` and `group` files shown inside."""
    read_only: tuple[Path, ...]
    """Programs and mirrors; `shown_inside` returns their path inside."""
    cwd: PurePath
    network: bool
    dies_with_parent: bool
    memory: int
    """Limit of a program's resident bytes, including its temporary files in memory."""


class Sandbox:
    """Builds bubblewrap's command lines."""

    def __init__(
        self, *, program: str = "bwrap", read_only: Sequence[Path] = (), writable: Sequence[Path] = ()
    ) -> None:
        """Changes alone may write to `writable` directories: a plan runs unreviewed code."""
        self._program = program
        self._read_only = tuple(read_only)
        self._writable = tuple(writable)

    def argv(self, command: Sequence[str], enclosure: Enclosure) -> tuple[str, ...]:
        """Return the command that runs `command` inside."""
        return (
            self._found(),
            *_ISOLATION,
            *(["--share-net"] if enclosure.network else []),
            *(["--die-with-parent"] if enclosure.dies_with_parent else []),
            *("--info-fd", INFO_FD),
            *_SYSTEM,
            *_in_memory(enclosure.memory),
            *("--ro-bind", str(enclosure.accounts / "passwd"), "/etc/passwd"),
            *("--ro-bind", str(enclosure.accounts / "group"), "/etc/group"),
            *_read_only((*self._read_only, *enclosure.read_only)),
            *("--bind" if enclosure.tree_writable else "--ro-bind", str(enclosure.tree), str(INSIDE.tree)),
            *("--bind" if enclosure.data_writable else "--ro-bind", str(enclosure.data), str(INSIDE.data)),
            *("--bind", str(enclosure.output), str(INSIDE.output)),
            *(part for to, path in enclosure.files.items() for part in ("--ro-bind", str(path), str(to))),
            *([] if enclosure.dies_with_parent else self._writable_binds()),
            # The rest of the sandbox's root is in memory, and no program needs to write there.
            *("--remount-ro", "/"),
            *("--chdir", str(enclosure.cwd)),
            "--",
            *command,
        )

    async def prove(self) -> None:
        """Run a program in the sandbox once; SandboxError explains a failure."""
        with tempfile.NamedTemporaryFile(prefix="gatewright-proof-") as hidden:
            code, said = await _run(self._proof(hidden.name))
        if not said.startswith("1\n"):
            raise SandboxError(
                f"bubblewrap does not work here: {said.strip() or f'exit code {code}'}. In a container it needs "
                "permission to create user namespaces and to mount /proc; otherwise switch the sandbox off."
            )
        if code != 0:
            raise SandboxError("bubblewrap runs, but what it must hide can be seen inside")

    def _proof(self, hidden: str) -> tuple[str, ...]:
        return (
            self._found(),
            *_ISOLATION,
            "--share-net",
            "--die-with-parent",
            *_SYSTEM,
            *_in_memory(_PROOF_MEMORY),
            *_read_only(self._read_only),
            *("--remount-ro", "/"),
            # Pid 1 inside means that the processes outside cannot be seen or signalled.
            *("--", "/bin/sh", "-c", 'echo $$; test ! -e "$0"', hidden),
        )

    def _writable_binds(self) -> tuple[str, ...]:
        return tuple(part for path in self._writable for part in ("--bind", str(path), str(path)))

    def _found(self) -> str:
        found = shutil.which(self._program)
        if found is None:
            raise SandboxError(f"the sandbox is on, but there is no `{self._program}` on this machine")
        return found


def write_accounts(directory: Path) -> None:
    """Write the `passwd` and `group` files that are shown inside: this one user alone."""
    uid, gid = os.getuid(), os.getgid()
    write_private(directory / "passwd", f"gatewright:x:{uid}:{gid}::{INSIDE.home}:/bin/sh\n")
    write_private(directory / "group", f"gatewright:x:{gid}:\n")


def _top_level(name: str) -> tuple[str, ...]:
    path = Path("/", name)
    if path.is_symlink():
        return ("--symlink", str(path.readlink()), str(path))
    return ("--ro-bind-try", str(path), str(path))


_SYSTEM = (
    *("--ro-bind", "/usr", "/usr"),
    *(part for name in _TOP_LEVEL for part in _top_level(name)),
    *(part for name in _ETC for part in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")),
    *("--proc", "/proc", "--dev", "/dev"),
)
"""The system's programs, read-only, and what they need to reach the network."""


def _in_memory(memory: int) -> tuple[str, ...]:
    """Return the directories that are kept in memory and discarded when the program ends.

    They count against its memory limit. Providers are unpacked in `/tmp`, some hundred MiB at a time.
    """
    sizes = {"/tmp": memory // 2, "/dev/shm": memory // 16, str(INSIDE.home): memory // 16}  # noqa: S108
    return tuple(part for path, size in sizes.items() for part in ("--size", str(size), "--tmpfs", path))


def _read_only(paths: Iterable[Path]) -> tuple[str, ...]:
    bound = [Path("/usr")]
    # Shorter paths come first: a path inside a mounted directory needs no mount of its own.
    for path in sorted(set(paths)):
        if not any(map(path.is_relative_to, bound)):
            bound.append(path)
    return tuple(part for path in bound[1:] for part in ("--ro-bind", str(path), str(shown_inside(path))))


async def _run(command: Sequence[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd="/",
        env={"PATH": SEARCH_PATH},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PROOF_TIMEOUT):
            output, _ = await process.communicate()
    except TimeoutError as exc:
        raise SandboxError(f"bubblewrap did not end within {PROOF_TIMEOUT:.0f} seconds") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output.decode("utf-8", errors="replace")
