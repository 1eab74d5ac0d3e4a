"""The repository of the playground: this project's reference module and policy."""

from __future__ import annotations

import re
from pathlib import Path

from bot.playground import story_restore
from bot.playground.stack import REFERENCE, SERVED, Playground

REPO = SERVED[0]
_FOLDERS = ("terraform", "envs")
_CODEOWNERS = (
    "# Owners; prod needs an approval from one of them.\n*           @owner\n/envs/prod* @owner @owner2\n"
)
_README = "# acme/infra\n\nThe infrastructure of Acme: one Terraform module, five environments.\n"


def files(engine_version: str) -> dict[str, str]:
    """Return path -> text; the policy names the Terraform version of this machine."""
    found = {
        str(path.relative_to(REFERENCE)): path.read_text(encoding="utf-8")
        for folder in _FOLDERS
        for path in sorted((REFERENCE / folder).rglob("*"))
        if path.is_file() and not _is_local(path)
    }
    policy = (REFERENCE / "gatewright.yaml").read_text(encoding="utf-8")
    found["gatewright.yaml"] = re.sub(r'(version:\s*)"[0-9.]+"', rf'\g<1>"{engine_version}"', policy, count=1)
    return {**found, ".github/CODEOWNERS": _CODEOWNERS, "README.md": _README}


def _is_local(path: Path) -> bool:
    return ".terraform" in path.parts or ".tfstate" in path.name


async def seed(playground: Playground, repo: str = REPO) -> None:
    """Create the repository and its users, if they do not exist yet."""
    if playground.github.has_repo(repo):
        return
    seeded = files(playground.engine.version)
    seeded["gatewright.yaml"] += story_restore.POLICY
    seeded[story_restore.VAR_FILE] = story_restore.VARIABLES
    await playground.github.create_repo(repo, files=seeded, description="Acme's infrastructure")
    await playground.github.add_personas(repo)
