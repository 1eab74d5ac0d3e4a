"""Every way that plans asks whether something exists elsewhere, and only while there is no state."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.domain.core.errors import OtherBackendError
from bot.domain.core.model import EnvName, ProjectName, Repo, Stack, StateIdentity, StateKey
from bot.ports import OVERRIDE_FILE, Backend, Merge
from bot.services.planning.existing_states import ExistingStates
from bot.services.runs.failures import describe
from bot.services.stacks.touched import MergedTree

STACK = Stack(
    repo="acme/infra",
    project=ProjectName("default"),
    env=EnvName("staging"),
    state_key=StateKey("staging/terraform.tfstate"),
    directory="infra/live",
    var_file=None,
)
REPO = Repo(owner="acme", name="infra", installation_id=1)
NONE_YET = StateIdentity(serial=None, lineage=None, sha256=None)
THERE = StateIdentity(serial=1, lineage="l", sha256="s")
GCS = 'terraform {\n  backend "gcs" {}\n}\n'


class Adapters:
    """A bucket with or without a state, a tree and a stored one."""

    def __init__(self, identity: StateIdentity, files: dict[str, str]) -> None:
        self.identity = identity
        self.files = files

    async def read(self, _: StateKey) -> tuple[StateIdentity, bytes | None]:
        return self.identity, None

    async def read_blobs(self, _: Repo, blobs: list[str]) -> dict[str, str]:
        return {blob: self.files[blob] for blob in blobs}

    async def bundle_texts(self, _: bytes, directory: str) -> dict[str, str]:
        found = [(path.rpartition("/"), text) for path, text in self.files.items()]
        return {name: text for (folder, _, name), text in found if folder == directory}

    def backend(self, stack: Stack, *, purpose: str) -> Backend:
        assert purpose == "plan"
        return Backend(
            endpoint_url="https://s3.example",
            region="auto",
            bucket="states",
            key=stack.state_key,
            access_key_id="secret-id",
            secret_access_key="secret-key",
        )

    @property
    def tree(self) -> MergedTree:
        return MergedTree(
            merge=Merge(tree="t", merge_base=cast("Any", "b"), changed_files=()),
            files={path: path for path in self.files},
            module_calls={},
        )


async def ask(way: str, identity: StateIdentity, files: dict[str, str]) -> None:
    outside = Adapters(identity, files)
    given = cast("Any", outside)
    existing = ExistingStates(states=given, workspace=given, history=given, credentials=given)
    if way == "tree":
        await existing.of_tree(STACK, "tofu", identity, repo=REPO, tree=outside.tree)
    else:
        await existing.of_bundle(STACK, "tofu", b"")


@pytest.mark.parametrize("way", ["tree", "bundle"])
async def test_another_backend_is_refused_while_there_is_no_state(way: str) -> None:
    with pytest.raises(OtherBackendError) as raised:
        await ask(way, NONE_YET, {"infra/live/main.tf": GCS})

    detail = describe(raised.value)
    assert [shut["reason"] for shut in detail["refusals"]] == ["other_backend"]
    assert "main.tf declares the backend gcs" in detail["problems"][0]
    assert "cd infra/live\ntofu init" in detail["commands"]
    assert 'key = "staging/terraform.tfstate"' in detail["commands"]
    assert "secret" not in str(detail)


@pytest.mark.parametrize("way", ["tree", "bundle"])
@pytest.mark.parametrize(
    ("identity", "files"),
    [
        pytest.param(THERE, {"infra/live/main.tf": GCS}, id="there is a state"),
        pytest.param(NONE_YET, {"infra/live/main.tf": "# nothing"}, id="it names none"),
        pytest.param(NONE_YET, {"infra/main.tf": GCS, "infra/live/x/main.tf": GCS}, id="of other modules"),
        pytest.param(NONE_YET, {f"infra/live/{OVERRIDE_FILE}": GCS}, id="our own file in a stored tree"),
    ],
)
async def test_everything_else_is_planned(way: str, identity: StateIdentity, files: dict[str, str]) -> None:
    await ask(way, identity, files)
