"""A stack is touched by what lies behind its symbolic links, and that is a part of its release."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from bot.domain.core.model import Repo, Sha
from bot.policy import load_policy
from bot.ports import Merge
from bot.ports.workspace import TreeFiles
from bot.services.stacks.touched import MergedTree, Trees, input_tree, inputs_digest, touched_stacks
from tests.fakes.records import builders

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars}
""")
STACKS = POLICY.stacks("acme/infra")
REPO = Repo(owner="acme", name="infra", installation_id=1)
FILES = {
    "terraform/main.tf": "resource",
    "shared/more.tf": 'module "m" { source = "../modules/m" }',
    "shared/words.txt": "Hello",
    "modules/m/main.tf": "resource",
    "README.md": "Words",
}


@dataclass(frozen=True)
class Code:
    """A tree whose blobs are known by what they hold, and what changed in it."""

    files: Mapping[str, str]
    links: Mapping[str, str]
    changed: tuple[str, ...]

    async def fetch(self, *_: object) -> None: ...

    async def git_token(self, _: object) -> str:
        return "token"

    async def merge(self, *_: object, **__: object) -> Merge:
        return Merge(tree="t" * 40, merge_base=builders.BASE, changed_files=self.changed)

    async def tree_files(self, *_: object) -> TreeFiles:
        return TreeFiles(blobs={**self.files, **self.links}, links=self.links)

    async def read_blobs(self, _: object, blobs: Sequence[str]) -> Mapping[str, str]:
        return {blob: blob for blob in blobs}

    async def tree(self) -> MergedTree:
        trees = Trees(github=cast("Any", self), workspace=cast("Any", self))
        return await trees.moved(REPO, "main", before=builders.BASE, after=Sha("9" * 40))


@pytest.mark.parametrize(
    ("links", "changed"),
    [
        pytest.param({"terraform/more.tf": "../shared/more.tf"}, "shared/more.tf", id="a file"),
        pytest.param({"terraform/files": "../shared"}, "shared/words.txt", id="a directory"),
        pytest.param(
            {"terraform/more.tf": "../shared/more.tf"}, "modules/m/main.tf", id="a module that the file calls"
        ),
    ],
)
async def test_what_lies_behind_a_link_is_an_input(links: dict[str, str], changed: str) -> None:
    before = await Code(FILES, links, ()).tree()
    after = await Code({**FILES, changed: FILES[changed] + " # other"}, links, (changed,)).tree()

    assert touched_stacks(POLICY, STACKS, after) == STACKS
    assert inputs_digest(POLICY, STACKS[0], after) != inputs_digest(POLICY, STACKS[0], before)


async def test_the_directory_of_a_project_may_itself_be_a_link() -> None:
    files = {path.replace("terraform/", "src/"): text for path, text in FILES.items()}
    links = {"terraform": "src"}
    before = await Code(files, links, ()).tree()
    after = await Code({**files, "src/main.tf": "other"}, links, ("src/main.tf",)).tree()

    assert touched_stacks(POLICY, STACKS, after) == STACKS
    assert inputs_digest(POLICY, STACKS[0], after) != inputs_digest(POLICY, STACKS[0], before)


async def test_a_link_elsewhere_touches_nothing() -> None:
    tree = await Code(FILES, {"docs/more.tf": "../shared/more.tf"}, ("shared/more.tf", "README.md")).tree()

    assert touched_stacks(POLICY, STACKS, tree) == ()


async def test_the_tree_of_a_run_holds_what_links_stand_for() -> None:
    tree = await Code(FILES, {"terraform/more.tf": "../way", "way": "shared/more.tf"}, ()).tree()

    assert input_tree(POLICY, STACKS[0], tree) == {
        "terraform/main.tf",
        "terraform/more.tf",
        "way",
        "shared/more.tf",
        "modules/m/main.tf",
    }


async def test_others_go_on_while_long_code_is_read() -> None:
    # Given a file whose reading takes a second or more,
    long = Code({"terraform/main.tf": "a {}\n" * 100_000}, {}, ())
    turns = 0

    # when it is read,
    reading = asyncio.create_task(long.tree())
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)

    # then whoever else waits for the loop gets a turn again and again.
    assert turns > 20
