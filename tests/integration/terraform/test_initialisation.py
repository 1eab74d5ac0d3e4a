from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from bot.adapters.terraform import TerraformCli
from bot.adapters.terraform.initialisation import SKIPPED
from bot.adapters.terraform.warmth import LOCK_FILE, memo_file
from bot.domain.core.errors import ProvidersChangedError, TerraformError, UnsafeTreeError
from bot.domain.core.model import PlanId
from bot.services.reverting.providers import refuse_missing_providers
from tests.integration.terraform.bench import ONE_RESOURCE, STATE_KEY, Bench
from tests.integration.terraform.state_server import StateServer

INITIALISED = "Terraform has been successfully initialized!"
CALLER = 'module "part" {\n  source = "./part"\n}\n'
NEEDS_PROVIDER = (
    'terraform {\n  required_providers {\n    toy = {\n      source = "acme/toy"\n    }\n  }\n}\n'
)


def inits(bench: Bench) -> int:
    return bench.lines.count(INITIALISED)


async def test_a_warm_data_directory_is_not_initialised_again(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE + CALLER, "terraform/part/main.tf": ONE_RESOURCE})

    plan = await bench.plan()
    await bench.apply(plan)
    bench.write({"terraform/main.tf": CALLER + ONE_RESOURCE.replace("default = 1", "default = 2")})
    await bench.plan()

    assert inits(bench) == 1
    assert bench.lines.count(SKIPPED) == 2


async def test_a_new_local_module_is_noticed(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    await bench.plan()

    bench.write({"terraform/main.tf": CALLER, "terraform/part/main.tf": ONE_RESOURCE})
    plan = await bench.plan()

    assert inits(bench) == 2
    assert [change["address"] for change in plan.json["resource_changes"]] == [
        "module.part.terraform_data.one"
    ]


async def test_another_key_initialises_again_and_migrates_nothing(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    await bench.apply(await bench.plan())
    backend = bench.job().backend
    moved = type(backend)(
        **{name: getattr(backend, name) for name in backend.__slots__} | {"key": "prod/terraform.tfstate"}
    )

    plan = await bench.plan(backend=moved)

    assert inits(bench) == 2
    assert [change["change"]["actions"] for change in plan.json["resource_changes"]] == [["create"]]
    assert state.stored_keys() == [STATE_KEY]


def truncate_backend_record(data: Path) -> None:
    (data / "terraform.tfstate").write_text('{"version":')


def remove_backend_record(data: Path) -> None:
    (data / "terraform.tfstate").unlink()


def spoil_manifest(data: Path) -> None:
    (data / "modules" / "modules.json").write_text('{"Modules":[]}')


def remove_modules(data: Path) -> None:
    shutil.rmtree(data / "modules")


def remove_memo(data: Path) -> None:
    memo_file(data).unlink()


def spoil_memo(data: Path) -> None:
    memo_file(data).write_text("[]")


def empty(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        truncate_backend_record,
        remove_backend_record,
        spoil_manifest,
        remove_modules,
        remove_memo,
        spoil_memo,
        empty,
    ],
)
async def test_a_corrupted_data_directory_falls_back_to_init(bench: Bench, spoil: object) -> None:
    bench.write({"terraform/main.tf": CALLER, "terraform/part/main.tf": ONE_RESOURCE})
    await bench.plan()

    assert callable(spoil)
    spoil(bench.slot.data_dir)
    plan = await bench.plan()

    assert inits(bench) == 2
    assert len(plan.json["resource_changes"]) == 1


async def test_an_apply_initialises_what_unpacking_could_not_restore(
    bench: Bench, state: StateServer
) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    plan = await bench.plan()
    empty(bench.slot.data_dir)

    applied = await bench.apply(plan)

    assert applied.exit_code == 0, applied.log_tail
    assert inits(bench) == 2
    assert state.resources(STATE_KEY) == ["one"]


@pytest.fixture
def mirrored(state: StateServer, tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    """Return a bench with a mirror of one provider, which can be installed but not started."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    package = tmp_path / f"mirror/registry.terraform.io/acme/toy/1.0.0/linux_{machine}"
    package.mkdir(parents=True)
    program = package / "terraform-provider-toy_v1.0.0"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    terraform = TerraformCli(provider_mirror=tmp_path / "mirror")
    return Bench(tmp_path / "slot", state.endpoint_url, terraform)


async def test_providers_come_from_the_mirror_and_are_locked(mirrored: Bench) -> None:
    mirrored.write({"terraform/main.tf": NEEDS_PROVIDER})

    with pytest.raises(TerraformError, match="plan failed"):
        await mirrored.plan()

    assert inits(mirrored) == 1
    lock = (mirrored.slot.tree / "terraform" / LOCK_FILE).read_text()
    assert 'provider "registry.terraform.io/acme/toy"' in lock


async def test_nothing_but_the_mirror_is_asked_for_providers(mirrored: Bench) -> None:
    mirrored.write({"terraform/main.tf": NEEDS_PROVIDER.replace("acme/toy", "acme/elsewhere")})

    with pytest.raises(TerraformError, match="init failed") as failure:
        await mirrored.plan()

    said = " ".join(failure.value.log_tail.split())
    assert "acme/elsewhere was not found in any of the search locations" in said


async def test_a_committed_lock_file_is_never_rewritten(mirrored: Bench) -> None:
    lock = 'provider "registry.terraform.io/acme/toy" {\n  version = "0.9.0"\n}\n'
    mirrored.write({"terraform/main.tf": NEEDS_PROVIDER, f"terraform/{LOCK_FILE}": lock})

    with pytest.raises(TerraformError, match="init failed"):
        await mirrored.plan()

    assert (mirrored.slot.tree / "terraform" / LOCK_FILE).read_text() == lock


@pytest.mark.parametrize("hashes", ["", 'hashes = ["h2:unknown"]'])
async def test_a_locked_provider_that_nothing_is_compared_with_is_refused(
    mirrored: Bench, hashes: str
) -> None:
    lock = f'provider "registry.terraform.io/acme/toy" {{\n  version = "1.0.0"\n  {hashes}\n}}\n'
    mirrored.write({"terraform/main.tf": NEEDS_PROVIDER, f"terraform/{LOCK_FILE}": lock})

    for _ in range(2):
        with pytest.raises(UnsafeTreeError, match="acme/toy has no hash"):
            await mirrored.plan()


@pytest.mark.parametrize(
    "locked",
    [
        pytest.param('version = "0.9.0"', id="the mirror has another version"),
        pytest.param(
            f'version = "1.0.0"\n  hashes = ["h1:{"A" * 43}="]',
            id="the mirror has another package of the version",
        ),
    ],
)
async def test_revert_is_refused_where_the_releases_providers_cannot_be_installed(
    mirrored: Bench, locked: str
) -> None:
    lock = f'provider "registry.terraform.io/acme/toy" {{\n  {locked}\n}}\n'
    mirrored.write({"terraform/main.tf": NEEDS_PROVIDER, f"terraform/{LOCK_FILE}": lock})

    with pytest.raises(TerraformError, match="init failed") as failure:
        await mirrored.plan()

    with pytest.raises(ProvidersChangedError, match="release p2222222 was made with"):
        refuse_missing_providers(PlanId("p2222222"), kept=lock, error=failure.value)
    # What has nothing to do with a lock file is told as it is.
    refuse_missing_providers(PlanId("p2222222"), kept=None, error=failure.value)
    refuse_missing_providers(PlanId("p2222222"), kept=lock, error=TerraformError("plan failed: no"))


async def test_the_lock_file_is_handed_on_when_there_is_one(open_bench: Bench) -> None:
    lock = "# Nothing is locked here.\n"
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    without = await open_bench.plan()
    open_bench.write({f"terraform/{LOCK_FILE}": lock})
    with_one = await open_bench.plan()

    assert without.lock_file is None
    assert with_one.lock_file == lock
