"""A destroy whose server dies is told, keeps its holder, and is tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.playground.seed import REPO, seed
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e.environments.conftest import QUICK

_SLOW = """
resource "terraform_data" "slow" {
  input = var.site_root
  provisioner "local-exec" {
    when    = destroy
    command = "echo started >> ${self.input}/destroys; sleep 3; echo done >> ${self.input}/destroys"
  }
}
"""


async def test_interrupted_destroy_is_reported_and_finished_after_a_kill(tmp_path: Path) -> None:
    # Given a pull request whose test takes a while to destroy,
    own = Playground(directory=tmp_path, extra=QUICK)
    await own.start()
    try:
        await seed(own)
        pull = await own.github.open_pull(
            REPO, author="dev", branch="slow", files={"terraform/slow.tf": _SLOW}
        )
        seen = Watch(github=own.github, repo=REPO, number=pull.number, patience=60)
        await seen.hear({"kind": "apply", "env": "test", "status": "applied"})

        # when it is closed and the server is killed in the middle of the destroy,
        await own.github.close(REPO, pull.number, author="dev")
        marks = own.directory / "site" / "destroys"
        async with asyncio.timeout(60):
            while not marks.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.05)
        await own.bot.stop(kill=True)
        await own.start_bot()

        # then Terraform came to its end alone, that is told, and the next try frees test.
        told = await seen.hear({"kind": "destroy", "env": "test", "status": "interrupted"})
        assert "retried automatically" in told.body
        await seen.hear({"kind": "destroy", "env": "test", "status": "destroyed"})
        assert marks.read_text().split() == ["started", "done"]
        assert own.github.violations == []
    finally:
        await own.stop(keep=False)
