"""git as a person runs it in a terminal."""

import asyncio
from pathlib import Path

from .conftest import REPO, World


class Shell:
    """A directory in which git runs as one person."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        self.root = root

    def origin(self, login: str, password: str, repo: str = REPO) -> str:
        return self.world.github.url.replace("http://", f"http://{login}:{password}@") + f"/{repo}.git"

    async def run(self, *args: str, cwd: Path | None = None) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            "git",
            *args,
            cwd=cwd or self.root,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.root),
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_AUTHOR_NAME": "dev",
                "GIT_AUTHOR_EMAIL": "dev@example.com",
                "GIT_COMMITTER_NAME": "dev",
                "GIT_COMMITTER_EMAIL": "dev@example.com",
                "LC_ALL": "C.UTF-8",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def good(self, *args: str, cwd: Path | None = None) -> str:
        code, output = await self.run(*args, cwd=cwd)
        assert code == 0, output
        return output.strip()
