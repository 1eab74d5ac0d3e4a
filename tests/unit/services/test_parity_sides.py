"""What is known of a twin: from its release where one is in place, else from the code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from bot.domain.core.errors import StoreError
from bot.domain.core.model import Repo, Sha, Stack, StateIdentity
from bot.domain.environments.parity import Side, Topic
from bot.domain.releases.release import Release
from bot.policy import load_policy
from bot.ports import Merge
from bot.services.parity.sides import Code, Sides
from bot.services.stacks.touched import MergedTree
from tests.fakes.records.builders import BASE, HEAD, NOON
from tests.fakes.records.releases import a_release

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  dev: {trigger: local, var_file: envs/dev.tfvars}
  test: {lifecycle: ephemeral, var_file: envs/test.tfvars}
  staging: {var_file: envs/staging.tfvars}
""")
LOCK = 'provider "registry.terraform.io/hashicorp/null" {\n  version = "VERSION"\n}\n'
TREE = {
    "envs/dev.tfvars": "nodes = 1\n",
    "envs/staging.tfvars": 'nodes = 3\nmotto = "kept to ourselves"\n',
    "terraform/main.tf": 'module "net" { source = "./net" }\nterraform {\n  required_providers {}\n}\n',
    "terraform/net/main.tf": 'module "deeper" { source = "./deeper" }\n',
    "terraform/.terraform.lock.hcl": LOCK.replace("VERSION", "3.0.0"),
}
STATE = json.dumps(
    {"resources": [{"mode": "managed", "type": "null_resource", "instances": [{}, {}]}]}
).encode()


@dataclass
class World:
    """A tree, what was released, and a state."""

    tree: Mapping[str, str] = field(default_factory=lambda: TREE)
    released: Release | None = None
    state: bytes | None = None
    away: bool = False
    fetched: int = 0

    @asynccontextmanager
    async def read(self, key: object = None) -> AsyncIterator[World]:
        del key
        yield self

    async def releases(self, stack: Stack, *, limit: int) -> Sequence[Release]:
        del stack, limit
        return [] if self.released is None else [self.released]

    async def read_blobs(self, repo: Repo, blobs: Sequence[str]) -> Mapping[str, str]:
        del repo
        return {path: self.tree[path] for path in blobs}

    async def fetch(self, release: Release) -> bytes:
        del release
        self.fetched += 1
        return b"bundle"

    async def bundle_texts(self, bundle: bytes, directory: str) -> Mapping[str, str]:
        assert (bundle, directory) == (b"bundle", "terraform")
        return {"main.tf": 'module "net" { source = "./old" }\n', ".terraform.lock.hcl": LOCK, "x.md": "no"}

    async def refusal(self, _stacks: Any) -> None:
        return None

    def environment(self, env: str, *, purpose: str) -> dict[str, str]:
        return {f"TF_VAR_{purpose}_{env}": "secret", "TF_VAR_nodes": "7", "TOKEN": "x"}

    async def side(self, env: str, *, times: int = 1) -> Side:
        code = Code(
            repo=Repo(owner="acme", name="infra", installation_id=1),
            tree=MergedTree(
                merge=Merge(tree="t", merge_base=BASE, changed_files=()),
                files={path: path for path in self.tree},
                module_calls={},
            ),
            commit=Sha("c" * 40),
        )
        sides = Sides(
            records=cast("Any", self),
            workspace=cast("Any", self),
            history=cast("Any", self),
            sources=cast("Any", self),
            states=cast("Any", States(self)),
            owners=cast("Any", self),
            credentials=cast("Any", self),
        )
        stack = POLICY.stack("acme/infra", env, "default")
        read = [await sides.read(stack, code, POLICY) for _ in range(times)]
        return read[-1]


@dataclass
class States:
    world: World

    async def read(self, key: str) -> tuple[StateIdentity, bytes | None]:
        if self.world.away:
            raise StoreError(f"reading {key}: no answer.")
        serial = None if self.world.state is None else 4
        return StateIdentity(serial=serial, lineage=None, sha256=None), self.world.state


async def test_without_release_code_speaks_and_no_value_is_taken_along() -> None:
    side = await World().side("staging")

    assert side.facts == {
        Topic.VARIABLES: dict.fromkeys(
            ["var.nodes", "var.motto", "var.plan_staging", "var.apply_staging"], "set"
        ),
        Topic.ENGINE: {"engine": "terraform 1.11.4"},
        Topic.PROVIDERS: {"provider.hashicorp/null": "3.0.0"},
        Topic.MODULES: {"module.net": "./net"},
    }
    assert side.only_given == {"var.plan_staging", "var.apply_staging"}
    assert side.unknown == {Topic.RESOURCES: "staging was never applied"}
    assert (side.commit, side.never_applied, side.applied_at) == ("c" * 40, True, None)
    assert "kept to ourselves" not in repr(side)


async def test_with_a_release_its_source_and_the_state_speak() -> None:
    world = World(released=a_release(engine="terraform 1.10.0", recorded_at=NOON), state=STATE)

    side = await world.side("staging", times=2)

    assert side.unknown == {}
    assert side.facts[Topic.ENGINE] == {"engine": "terraform 1.10.0"}
    assert side.facts[Topic.PROVIDERS] == {"provider.hashicorp/null": "VERSION"}
    assert side.facts[Topic.MODULES] == {"module.net": "./old"}
    assert side.facts[Topic.RESOURCES] == {"null_resource": "2"}
    assert (side.commit, side.serial, side.applied_at) == (HEAD, 4, NOON)
    assert world.fetched == 1


async def test_of_a_developers_machine_only_the_code_is_known() -> None:
    side = await World(released=a_release(), state=STATE).side("dev")

    assert side.is_local
    assert side.unknown == {Topic.RESOURCES: "dev is on developers' machines"}
    assert (side.serial, side.applied_at, side.never_applied) == (None, None, False)


async def test_what_cannot_be_read_is_told_with_its_reason() -> None:
    tree = {path: text for path, text in TREE.items() if not path.endswith((".tfvars", ".hcl"))}

    side = await World(tree=tree, away=True).side("staging")

    assert side.unknown == {
        Topic.VARIABLES: "envs/staging.tfvars is not there",
        Topic.PROVIDERS: "no .terraform.lock.hcl is committed for staging",
        Topic.RESOURCES: "the state of staging cannot be read (reading staging/terraform.tfstate: no answer)",
    }
    assert not side.never_applied


async def test_passing_outputs_are_compared_only_while_they_exist() -> None:
    side = await World(state=b'{"resources": []}', tree={**TREE, "envs/test.tfvars": ""}).side("test")

    assert side.unknown == {Topic.RESOURCES: "test is not put up now"}
