"""What of a real repository, and of a bundle of it, is refused before Terraform sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from stat import S_IFDIR, S_IFLNK, S_IFREG
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.adapters.workspace.bundle import Member, pack
from bot.domain.core.errors import UnplannableTreeError
from bot.domain.core.model import PlanId, RunId
from bot.domain.releases.revert import Revert
from bot.policy import load_policy
from bot.services.reverting.planning import RevertPlanning
from bot.services.stacks.plannable import refuse_unplannable, refuse_unplannable_files
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import Trees
from tests.fakes.records import builders
from tests.integration.workspace.origin import REPO, Content, Link, Origin, Program, Submodule

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars}
  prod: {state_key: prod/terraform.tfstate, var_file: envs/prod.tfvars}
""")
[STAGING, PROD] = POLICY.stacks("acme/infra")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n"
CALL = 'module "app" {\n  source = "../modules/app"\n}\n'
RELEASE = PlanId("p1234567")


class _Token:
    async def git_token(self, _: object) -> str:
        return ""


@pytest.fixture
def trees(workspace: GitWorkspace) -> Trees:
    return Trees(github=cast("Any", _Token()), workspace=workspace)


async def refused(trees: Trees, origin: Origin, files: Mapping[str, Content]) -> UnplannableTreeError:
    """Commit, and return why staging is not planned of it."""
    tip = await origin.commit(files)
    tree = await trees.moved(REPO, "main", before=tip, after=tip)
    with pytest.raises(UnplannableTreeError) as caught:
        await refuse_unplannable(trees, REPO, POLICY, STAGING, tree)
    return caught.value


@pytest.mark.parametrize(
    ("files", "submodules", "pointers"),
    [
        pytest.param(
            {"terraform/main.tf": CALL, "modules/app": Submodule()},
            ("modules/app",),
            (),
            id="a called module",
        ),
        pytest.param({"terraform": Submodule()}, ("terraform",), (), id="the project"),
        pytest.param(
            {"terraform": Link(target="deep/in"), "deep": Submodule()}, ("deep",), (), id="through a link"
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "terraform/x.tf": Submodule()},
            ("terraform/x.tf",),
            (),
            id="named as a file",
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "terraform/a.bin": POINTER}, (), ("terraform/a.bin",), id="a pointer"
        ),
        pytest.param(
            {"terraform/main.tf": POINTER}, (), ("terraform/main.tf",), id="a pointer for the module itself"
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "terraform/run": Program(text=POINTER)},
            (),
            ("terraform/run",),
            id="a program",
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "terraform/l": Link(target="../x"), "x": POINTER},
            (),
            ("terraform/l", "x"),
            id="a link",
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "envs/staging.tfvars": POINTER},
            (),
            ("envs/staging.tfvars",),
            id="var file",
        ),
        pytest.param(
            {
                "terraform/main.tf": CALL,
                "modules/app": Submodule(),
                "terraform/b": POINTER,
                "terraform/a": POINTER,
            },
            ("modules/app",),
            ("terraform/a", "terraform/b"),
            id="several",
        ),
    ],
)
async def test_content_outside_of_git_is_refused_by_its_paths(
    trees: Trees,
    origin: Origin,
    files: Mapping[str, Content],
    submodules: tuple[str, ...],
    pointers: tuple[str, ...],
) -> None:
    found = await refused(trees, origin, files)

    assert (found.submodules, found.pointers, found.directory) == (submodules, pointers, None)
    for path in (*submodules, *pointers):
        assert f"`{path}`" in str(found)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"terraform/README.md": "# Moved\n", "old/main.tf": "terraform {}\n"}, id="moved away"),
        pytest.param({"README.md": "# Gone\n"}, id="no directory"),
        pytest.param({"terraform/main.tf": "# Nothing.\n"}, id="comments alone"),
        pytest.param(
            {"terraform": Link(target="old"), "old/README.md": ""}, id="a link to an empty directory"
        ),
    ],
)
async def test_a_root_module_without_configuration_is_refused(
    trees: Trees, origin: Origin, files: Mapping[str, Content]
) -> None:
    found = await refused(trees, origin, files)

    assert found.directory == "terraform"
    assert "only its `terraform` and `provider` blocks" in str(found)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"terraform/main.tf": "terraform {}\n"}, id="a terraform block alone"),
        pytest.param(
            {"terraform/main.tf": CALL, "docs/theme": Submodule(), "docs/a.bin": POINTER},
            id="content elsewhere",
        ),
        pytest.param({"terraform/main.tf": CALL, "envs/prod.tfvars": POINTER}, id="another's var file"),
        pytest.param({"terraform/main.tf": CALL, "terraform/big": POINTER + "x" * 1024}, id="a longer file"),
        pytest.param(
            {"terraform/main.tf": CALL, ".gitattributes": "* filter=lfs\n", "terraform/a.bin": b"\0\1"},
            id="a filter whose file was committed",
        ),
    ],
)
async def test_a_whole_tree_is_planned(trees: Trees, origin: Origin, files: Mapping[str, Content]) -> None:
    tip = await origin.commit(files)
    tree = await trees.moved(REPO, "main", before=tip, after=tip)

    await refuse_unplannable(trees, REPO, POLICY, STAGING, tree)


async def test_a_pointer_is_found_again_although_the_rest_is_known(trees: Trees, origin: Origin) -> None:
    files = {"terraform/main.tf": CALL, "terraform/a.bin": POINTER}

    first, second = await refused(trees, origin, files), await refused(trees, origin, files)

    assert first.pointers == second.pointers == ("terraform/a.bin",)


def bundle_of(files: Mapping[str, Content]) -> bytes:
    """Return the bundle of a release as older versions made it: of a directory, in which submodules were empty."""
    return pack(
        [*map(_member, files, files.values()), Member(path="terraform/build", kind=S_IFDIR, mode=0o755)]
    )


def _member(path: str, content: Content) -> Member:
    match content:
        case Submodule():
            return Member(path=path, kind=S_IFDIR, mode=0o755)
        case Link(target=target):
            return Member(path=path, kind=S_IFLNK, content=target.encode())
        case Program(text=text) | str(text):
            return Member(path=path, kind=S_IFREG, content=text.encode())
        case bytes(data):
            return Member(path=path, kind=S_IFREG, content=data)
        case _:
            raise AssertionError(content)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"terraform/README.md": "# Moved\n"}, ((), (), "terraform"), id="no configuration"),
        pytest.param(
            {"terraform/main.tf": CALL, "modules/app": Submodule()},
            (("modules/app",), (), None),
            id="a submodule",
        ),
        pytest.param(
            {
                "terraform/main.tf": CALL.replace("modules/app", "modules/deep/app"),
                "modules/deep": Submodule(),
            },
            (("modules/deep",), (), None),
            id="a module in a submodule",
        ),
        pytest.param(
            {"terraform/main.tf": CALL, "terraform/a": POINTER}, ((), ("terraform/a",), None), id="a pointer"
        ),
        pytest.param(
            {"terraform/main.tf": Link(target="../x"), "x": POINTER},
            ((), ("terraform/main.tf", "x"), None),
            id="a link",
        ),
    ],
)
async def test_going_back_to_such_a_release_is_refused(
    workspace: GitWorkspace, files: Mapping[str, Content], expected: tuple[object, ...]
) -> None:
    # Given a release of an older version, which was made of such a tree,
    planning = _planning(workspace, bundle_of(files))
    # when it is to be planned again,
    with pytest.raises(UnplannableTreeError) as caught:
        await planning._ground(builders.run(), _revert())
    # then it is refused, and who asked is told to name another one.
    found = caught.value
    assert (found.submodules, found.pointers, found.directory) == expected
    assert found.is_of_release
    assert f"Release {RELEASE}" in str(found)
    assert "`/revert staging to RELEASE`" in str(found)


async def test_going_back_to_a_whole_release_is_planned(workspace: GitWorkspace) -> None:
    files: dict[str, Content] = {
        "terraform/main.tf": CALL,
        "modules/app/main.tf": Link(target="../../x"),
        "x": "locals {}\n",
        "docs/theme": Submodule(),
        "docs/a": POINTER,
    }
    await refuse_unplannable_files(await workspace.bundle_tree(bundle_of(files)), POLICY, STAGING)


def _revert() -> Revert:
    return Revert(
        run_id=RunId("r1234567"),
        stack=STAGING,
        pull=7,
        target=RELEASE,
        undone=(),
        asked_by=builders.run().actor,
        asked_at=builders.run().created_at,
    )


def _planning(workspace: GitWorkspace, bundle: bytes) -> RevertPlanning:
    """Return what plans reverts, over a record of one release whose bundle this is."""

    async def give(value: Any) -> Any:
        return value

    @asynccontextmanager
    async def read() -> AsyncIterator[Any]:
        yield SimpleNamespace(release=lambda _: give(SimpleNamespace(plan_id=RELEASE)))

    loaded = LoadedPolicy(policy=POLICY, commit=builders.BASE)
    planning = SimpleNamespace(
        github=SimpleNamespace(repository=lambda _: give(REPO)),
        policies=SimpleNamespace(load=lambda _: give(loaded)),
    )
    return RevertPlanning(
        records=cast("Any", SimpleNamespace(read=read)),
        planning=cast("Any", planning),
        sources=cast("Any", SimpleNamespace(fetch=lambda _: give(bundle))),
        releases=cast("Any", SimpleNamespace(reviewed=lambda *_: give(bundle))),
        history=workspace,
    )
