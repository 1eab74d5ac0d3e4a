from __future__ import annotations

import json

import pytest

from bot.adapters.terraform import backend as state_backend
from bot.domain.core.errors import UnsafeTreeError
from bot.ports import OVERRIDE_FILE
from tests.integration.terraform.bench import ONE_RESOURCE, STATE_KEY, Bench
from tests.integration.terraform.state_server import StateServer

OTHER_BACKENDS = {
    "none": {},
    "local": {
        "terraform/backend.tf": 'terraform {\n  backend "local" {\n    path = "here.tfstate"\n  }\n}\n'
    },
    "s3": {
        "terraform/backend.tf": 'terraform {\n  backend "s3" {\n    bucket = "state"\n    key = "prod/x"\n'
        '    region = "eu-west-1"\n    encrypt = true\n    role_arn = "arn:aws:iam::1:role/x"\n  }\n}\n'
    },
    "cloud": {
        "terraform/backend.tf": 'terraform {\n  cloud {\n    organization = "x"\n    workspaces {\n'
        '      name = "y"\n    }\n  }\n}\n'
    },
    "override": {
        "terraform/zz_override.tf": 'terraform {\n  backend "local" {\n    path = "here.tfstate"\n  }\n}\n'
    },
    "json": {
        "terraform/backend_override.tf.json": '{"terraform": {"backend": {"local": {"path": "here.tfstate"}}}}'
    },
}


@pytest.mark.parametrize("files", OTHER_BACKENDS.values(), ids=OTHER_BACKENDS)
async def test_the_modules_own_backend_is_overridden(
    open_bench: Bench, state: StateServer, files: dict[str, str]
) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE} | files)

    applied = await open_bench.apply(await open_bench.plan())

    assert applied.exit_code == 0, applied.log_tail
    assert state.resources(STATE_KEY) == ["one"]
    assert state.stored_keys() == [STATE_KEY]
    assert not (open_bench.slot.tree / "terraform/here.tfstate").exists()


@pytest.mark.parametrize(
    "name", ["zzzzz_override.tf", "zzzz_gatewright_backend_override.tofu", "~_override.tf.json"]
)
async def test_an_override_that_sorts_later_is_unsafe(open_bench: Bench, name: str) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE, f"terraform/{name}": ""})

    with pytest.raises(UnsafeTreeError, match=name):
        await open_bench.plan()


async def test_a_committed_file_at_the_overrides_place_is_replaced(
    open_bench: Bench, state: StateServer
) -> None:
    outside = open_bench.root / "outside"
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    (open_bench.slot.tree / "terraform" / OVERRIDE_FILE).symlink_to(outside)

    applied = await open_bench.apply(await open_bench.plan())

    assert applied.exit_code == 0
    assert state.resources(STATE_KEY) == ["one"]
    assert not outside.exists()


async def test_a_workspace_chosen_in_the_data_directory_is_ignored(
    open_bench: Bench, state: StateServer
) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    await open_bench.plan()
    (open_bench.slot.data_dir / "environment").write_text("elsewhere")

    applied = await open_bench.apply(await open_bench.plan())

    assert applied.exit_code == 0
    assert state.stored_keys() == [STATE_KEY]


async def test_providers_own_credentials_do_not_displace_those_of_the_state(
    open_bench: Bench, state: StateServer
) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    given = {
        "AWS_ACCESS_KEY_ID": "of-the-provider",
        "AWS_SECRET_ACCESS_KEY": "of-the-provider",
        "AWS_SESSION_TOKEN": "of-the-provider",
        "AWS_PROFILE": "of-the-provider",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }

    applied = await open_bench.apply(await open_bench.plan(environment=given), environment=given)

    assert applied.exit_code == 0, applied.log_tail
    assert state.resources(STATE_KEY) == ["one"]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"bucket": "other"}, "bucket"), ({"endpoints": {"s3": "http://127.0.0.1:1"}}, "endpoints")],
    ids=["bucket", "endpoint"],
)
async def test_another_backend_in_use_is_unsafe(
    open_bench: Bench, change: dict[str, object], named: str
) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    await open_bench.plan()
    record = open_bench.slot.data_dir / "terraform.tfstate"
    wanted = state_backend.settings(
        open_bench.job().backend, credentials=open_bench.slot.scratch / "terraform" / "credentials"
    )
    state_backend.verify(open_bench.slot.data_dir, wanted)

    content = json.loads(record.read_text())
    content["backend"]["config"] |= change
    record.write_text(json.dumps(content))

    with pytest.raises(UnsafeTreeError, match=f"another `{named}`"):
        state_backend.verify(open_bench.slot.data_dir, wanted)
