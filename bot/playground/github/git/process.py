"""git, started from an argv list with an environment of its own."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

GIT = Path(shutil.which("git") or "/usr/bin/git")


class GitError(Exception):
    """git ended with another code than 0; the text is its standard error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"git ended with {code}: {text}")
        self.code = code


def git_environment(home: Path) -> dict[str, str]:
    """A clean environment: nothing of the user's configuration or credentials reaches git."""
    return {
        "PATH": f"{GIT.parent}:{os.defpath}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
    }


async def run_git(
    *args: str,
    home: Path,
    cwd: Path,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    allowed: tuple[int, ...] = (0,),
) -> tuple[int, bytes]:
    """Run a git command; returns code and output, raises GitError on a code not allowed."""
    process = await asyncio.create_subprocess_exec(
        str(GIT),
        *args,
        cwd=cwd,
        env={**git_environment(home), **(extra or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, error = await process.communicate(stdin)
    code = process.returncode or 0
    if code not in allowed:
        raise GitError(code, error.decode(errors="replace").strip())
    return code, output
