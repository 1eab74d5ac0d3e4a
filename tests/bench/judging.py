"""Our own work for the gate of the code owners, on a pull request as large as GitHub shows one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bot.domain.gates.approvals import required_paths
from bot.domain.gates.codeowners import parse
from tests.fakes.records import builders

_PATHS, _RULES, _ROUNDS = 3000, 2000, 7
_PATCH = '@@ -1,4 +1,4 @@\n-  message = "Welcome"\n+  message = "Hello"\n   features = []\n' * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How long it took, the middle of some rounds, and that over the parsing of GitHub's answer about the files."""

    paths: int
    rules: int
    seconds: float
    ratio: float


def measure_judging() -> Judged:
    """Parse CODEOWNERS and find the owners of every path; GitHub's JSON by turns."""
    paths = [f"services/team-{number % 97}/stack-{number % 31}/file-{number}.tf" for number in range(_PATHS)]
    owners = "".join(_rule(number) for number in range(_RULES))
    listing = json.dumps([_file(path) for path in paths])
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        ours.append(_timed(lambda: required_paths(parse(owners), builders.stack(), paths)))
        theirs.append(_timed(lambda: json.loads(listing)))
    return Judged(paths=_PATHS, rules=_RULES, seconds=median(ours), ratio=median(ours) / median(theirs))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _rule(number: int) -> str:
    pattern = (
        f"/services/team-{number % 97}/stack-{number}/",
        f"services/team-{number}/**/*.tf",
        f"*.kind-{number}",
        f"/envs/env-{number}.tfvars",
    )[number % 4]
    return f"{pattern} @acme/team-{number % 50} @owner-{number % 80}\n"


def _file(path: str) -> dict[str, object]:
    sha = "a" * 40
    return {
        "sha": sha,
        "filename": path,
        "status": "modified",
        "additions": 3,
        "deletions": 3,
        "changes": 6,
        "blob_url": f"https://github.com/acme/infra/blob/{sha}/{path}",
        "raw_url": f"https://github.com/acme/infra/raw/{sha}/{path}",
        "contents_url": f"https://api.github.com/repos/acme/infra/contents/{path}?ref={sha}",
        "patch": _PATCH,
    }
