"""A log while it is written: real Terraform, whose lines come while somebody watches."""

from __future__ import annotations

from tests.browser.conftest import Arrive
from tests.e2e.world import DEV, STAGING, World

_SLOW = """
variable "beats" {
  type    = number
  default = 0
}
resource "terraform_data" "beats" {
  count = var.beats > 0 ? 1 : 0
  input = var.beats
  provisioner "local-exec" {
    command = "for i in $(seq 1 ${self.input}); do echo \\"beat $i <b>bold</b>\\"; sleep 0.4; done"
  }
}
"""
_BEATS = 20


async def test_log_is_read_while_terraform_runs_and_reload_goes_on(world: World, arrive: Arrive) -> None:
    await world.push({"terraform/slow.tf": _SLOW}, branch="main", by="admin")
    number = await world.open({STAGING: await world.knob(f"beats = {_BEATS}")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    dev, plain = await arrive(), await arrive(java_script_enabled=False)
    await dev.log_in(DEV, "/runs")
    await plain.log_in(DEV, "/runs")

    await world.comment(number, "/apply staging")
    run = await world.running("apply")
    await dev.open(f"/runs/{run}")
    await dev.reads("beat 2 ", "#log")
    seen_live = _status(world, run)
    await plain.open(f"/runs/{run}")
    without_script = await plain.text()
    await dev.page.reload()
    await dev.reads("beat 1 ", "#log")
    await dev.reads("beat 8 ", "#log")
    seen_again = _status(world, run)
    before = await dev.text("#log")
    await dev.reads("succeeded", "#status")
    await dev.reads("As judged just before the change")
    # The last lines come with the finished page, which is fetched when the end is told.
    await dev.reads(f"beat {_BEATS} ", "#log")

    log, word = await dev.text("#log"), await dev.text("#live-word")
    async with dev.page.expect_download() as waiting:
        await dev.page.get_by_role("button", name="Download kubeconfig").click()
    kept = await waiting.value
    await dev.open(f"/runs/{run}")
    assert (seen_live, seen_again) == ("running", "running")
    assert "beat 1 <b>bold</b>" in without_script
    assert "Look again" in without_script
    assert before.count("beat 3 ") == log.count("beat 3 ") == 1
    assert kept.suggested_filename == "staging-kubeconfig"
    assert "handed out" in await dev.text()
    assert await dev.page.locator("#log b").count() == 0
    assert word == "The run has ended: succeeded."
    assert "apply staging applied" in await world.told(number)


def _status(world: World, run: str) -> str:
    return str(next(row["status"] for row in world.runs(kind="apply") if row["id"] == run))
