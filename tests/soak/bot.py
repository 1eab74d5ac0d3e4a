"""The real server by a clock that is shared with the test: `python -m tests.soak.bot serve|web-only|worker [SHARE]`.

It writes no more than the SHAREth part of what it writes otherwise, so that a test of the limits need not be long.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import bot.composition.adapters
import bot.server
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Waits
from bot.domain.core.write_buckets import WriteLimits
from bot.settings import load
from tests.soak.clock import FILE, SharedClock, SharedTimeLoop


def limits(share: int) -> WriteLimits:
    """Return the buckets with fewer tokens."""
    buckets = WriteLimits().buckets
    return WriteLimits(
        buckets={
            name: replace(
                bucket,
                tokens=bucket.tokens // share,
                reserved=bucket.reserved // share,
                kept=bucket.kept // share,
            )
            for name, bucket in buckets.items()
        }
    )


def main(role: str, share: str = "1") -> int:
    """Serve until told to stop."""
    clock = SharedClock(Path.cwd().parent / FILE)
    # Names that the module only imports.
    setattr(bot.composition.adapters, "SystemClock", lambda: clock)  # noqa: B010
    setattr(bot.composition.adapters, "WriteLimits", partial(limits, int(share)))  # noqa: B010
    github = partial(GitHubApp, waits=Waits(monotonic=clock.monotonic))
    setattr(bot.composition.adapters, "GitHubApp", github)  # noqa: B010
    with asyncio.Runner(loop_factory=partial(SharedTimeLoop, clock)) as runner:
        return runner.run(bot.server.run_forever(*load(), bot.server.Role(role)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
