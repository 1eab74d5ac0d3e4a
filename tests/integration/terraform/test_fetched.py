"""What `init` fetched is known by its content: nobody plans or applies another module than the one that was fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.adapters.terraform import Sandbox, TerraformCli
from bot.adapters.terraform.fetched import packed
from bot.adapters.terraform.initialisation import SKIPPED
from bot.adapters.terraform.warmth import memo_file
from bot.domain.core.errors import IntegrityError, TerraformError
from bot.ports import PlanOutput
from bot.ports.terraform import FetchedCode
from tests.fakes.hostile import hostile
from tests.integration.terraform.bench import STATE_KEY, Bench
from tests.integration.terraform.conftest import SHORT
from tests.integration.terraform.ground import Ground
from tests.integration.terraform.state_server import StateServer
from tests.integration.workspace.origin import Content, Origin, git

INITIALISED = "Terraform has been successfully initialized!"
PART: dict[str, Content] = {
    "main.tf": 'resource "terraform_data" "part" {\n  input = "honest"\n}\n',
    "files/text": "text\n",
}
POISON = 'resource "terraform_data" "part" {\n  input = "poison"\n}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A bench, and a module of another repository that is pinned to a commit."""

    bench: Bench
    origin: Origin
    pinned: str
    sandboxed: bool

    @property
    def files(self) -> dict[str, str]:
        """Return code that calls the module."""
        source = f"git::file://{self.origin.path}?ref={self.pinned}"
        return {"terraform/main.tf": f'module "part" {{\n  source = "{source}"\n}}\n'}

    @property
    def fetched(self) -> Path:
        """Return where the module lies when it was fetched."""
        return self.bench.slot.data_dir / "modules" / "part"

    @property
    def inits(self) -> int:
        return self.bench.lines.count(INITIALISED)


@pytest.fixture(params=["open", "sandboxed"])
async def remote(request: pytest.FixtureRequest, state: StateServer, tmp_path: Path) -> Remote:
    path = tmp_path / "modules" / "part.git"
    path.mkdir(parents=True)
    origin = await Origin.create(path)
    sandbox = None
    if request.param == "sandboxed":
        if shutil.which("bwrap") is None:
            pytest.skip("bubblewrap is not installed on this machine")
        sandbox = Sandbox(read_only=(tmp_path / "modules",))
    bench = Bench(tmp_path / "slot", state.endpoint_url, TerraformCli(limits=SHORT, sandbox=sandbox))
    remote = Remote(
        bench=bench, origin=origin, pinned=await origin.commit(PART), sandboxed=sandbox is not None
    )
    bench.write(remote.files)
    return remote


def inputs(plan: PlanOutput) -> list[str]:
    return [change["change"]["after"]["input"] for change in plan.json["resource_changes"]]


def test_the_poison_is_as_long_as_the_honest_text() -> None:
    assert len(POISON) == len(str(PART["main.tf"]))


async def test_no_history_of_a_module_is_kept(remote: Remote) -> None:
    plan = await remote.bench.plan()

    assert inputs(plan) == ["honest"]
    assert list(remote.bench.slot.data_dir.rglob(".git")) == []
    assert (remote.fetched / "files" / "text").read_text() == "text\n"


async def test_the_same_commit_fetched_elsewhere_has_the_same_digest(remote: Remote, tmp_path: Path) -> None:
    elsewhere = replace(remote.bench, root=tmp_path / "elsewhere")
    elsewhere.write(remote.files)

    one, two = await remote.bench.plan(), await elsewhere.plan()

    assert one.fetched == two.fetched
    assert one.modules is not None
    # Without a sandbox Terraform's list of modules has paths of this machine in it.
    assert not remote.sandboxed or one.modules == two.modules


async def test_another_commit_has_another_digest(remote: Remote) -> None:
    one = await remote.bench.plan()
    changed = await remote.origin.commit(PART | {"files/text": "TEXT\n"}, parents=(remote.pinned,))
    remote.bench.write(replace(remote, pinned=changed).files)

    two = await remote.bench.plan()

    assert one.fetched.digest != two.fetched.digest


async def test_unchanged_modules_are_not_fetched_again(remote: Remote) -> None:
    first = await remote.bench.plan()
    # Another clock, or another walk over the files, is no change of their content.
    os.utime(remote.fetched / "main.tf", (1, 1))

    again = await remote.bench.plan()

    assert (remote.inits, again.fetched) == (1, first.fetched)


@pytest.mark.parametrize(
    "more", ["", 'module "part_too" {\n  source = "./part"\n}\n'], ids=["same", "more code"]
)
async def test_a_branch_is_fetched_again_for_every_plan(remote: Remote, more: str) -> None:
    moving = replace(remote, pinned="main").files
    remote.bench.write(moving | {"terraform/part/main.tf": ""})
    first = await remote.bench.plan()
    await remote.origin.commit(
        PART | {"main.tf": str(PART["main.tf"]).replace("honest", "newer")}, parents=(remote.pinned,)
    )
    remote.bench.write({"terraform/main.tf": moving["terraform/main.tf"] + more})

    second = await remote.bench.plan()

    assert (inputs(first), inputs(second)) == (["honest"], ["newer"])


def tamper(fetched: Path) -> None:
    (fetched / "main.tf").write_text(POISON)


def tamper_with_time_kept(fetched: Path) -> None:
    before = (fetched / "main.tf").stat()
    tamper(fetched)
    os.utime(fetched / "main.tf", ns=(before.st_atime_ns, before.st_mtime_ns))


def change_one_byte(fetched: Path) -> None:
    (fetched / "files" / "text").write_text("texT\n")


def make_executable(fetched: Path) -> None:
    (fetched / "files" / "text").chmod(0o755)


def add_a_file(fetched: Path) -> None:
    (fetched / "zz_override.tf").write_text(POISON)


def remove_a_file(fetched: Path) -> None:
    (fetched / "files" / "text").unlink()


def put_a_link(fetched: Path) -> None:
    (fetched / "files" / "text").rename(fetched.parent / "moved")
    (fetched / "files" / "text").symlink_to("../../moved")


def plant_a_history(fetched: Path) -> None:
    (fetched / ".git" / "hooks").mkdir(parents=True)
    (fetched / ".git" / "config").write_text("[core]\n\thooksPath = /work/hooks\n")


def lead_elsewhere(fetched: Path) -> None:
    fetched.rename(fetched.parent / "moved")
    fetched.symlink_to("moved")


def rewrite_the_list(fetched: Path) -> None:
    manifest = fetched.parent / "modules.json"
    shutil.copytree(fetched, fetched.with_name("other"))
    tamper(fetched.with_name("other"))
    manifest.write_text(manifest.read_text().replace("modules/part", "modules/other"))


def put_a_pipe(fetched: Path) -> None:
    (fetched / "files" / "text").unlink()
    os.mkfifo(fetched / "files" / "text")


TAMPERINGS = [
    put_a_pipe,
    tamper,
    tamper_with_time_kept,
    change_one_byte,
    make_executable,
    add_a_file,
    remove_a_file,
    put_a_link,
    plant_a_history,
    lead_elsewhere,
    rewrite_the_list,
]


@pytest.mark.parametrize("spoil", TAMPERINGS)
async def test_tampered_modules_are_fetched_again_for_a_plan(
    remote: Remote, spoil: Callable[[Path], None]
) -> None:
    first = await remote.bench.plan()
    spoil(remote.fetched)

    again = await remote.bench.plan()

    assert remote.inits == 2
    assert inputs(again) == ["honest"]
    assert again.fetched == first.fetched
    assert (remote.fetched / "files" / "text").read_text() == "text\n"


@pytest.mark.parametrize("spoil", TAMPERINGS)
async def test_an_apply_uses_the_modules_of_its_plan(
    remote: Remote, state: StateServer, spoil: Callable[[Path], None]
) -> None:
    plan = await remote.bench.plan()
    spoil(remote.fetched)
    # Nothing is fetched again: the module's repository may have gone, or may say something else today.
    remote.origin.path.rename(remote.origin.path.with_name("gone"))

    applied = await remote.bench.apply(plan)

    assert applied.exit_code == 0, applied.log_tail
    assert (remote.fetched / "main.tf").read_text() == PART["main.tf"]
    (resource,) = (state.state(STATE_KEY) or {})["resources"]
    assert resource["instances"][0]["attributes"]["input"]["value"] == "honest"


async def test_an_apply_of_untouched_modules_needs_no_init(remote: Remote) -> None:
    plan = await remote.bench.plan()

    applied = await remote.bench.apply(plan)

    assert applied.exit_code == 0
    assert (remote.inits, remote.bench.lines.count(SKIPPED)) == (1, 1)


async def test_an_apply_in_another_slot_brings_its_modules_along(remote: Remote, tmp_path: Path) -> None:
    if not remote.sandboxed:
        pytest.skip("without a sandbox a plan is applied where it was made, since it holds paths")
    plan = await remote.bench.plan()
    elsewhere = replace(remote.bench, root=tmp_path / "elsewhere")
    elsewhere.write(remote.files)
    remote.origin.path.rename(remote.origin.path.with_name("gone"))

    applied = await elsewhere.apply(plan)

    assert applied.exit_code == 0, applied.log_tail
    assert (elsewhere.slot.data_dir / "modules/part/files/text").read_text() == "text\n"


async def test_an_apply_without_the_modules_of_its_plan_never_starts(
    remote: Remote, state: StateServer
) -> None:
    # Given a plan, and an archive in which one of its modules says something else,
    plan = await remote.bench.plan()
    (remote.fetched / "main.tf").write_text(POISON)
    swapped = packed(remote.bench.slot.data_dir)

    # when the plan is applied with these, then it is refused before anything happens.
    job = remote.bench.job(dies_with_parent=False)
    code = FetchedCode(digest=plan.code.digest, modules=swapped)
    with pytest.raises(IntegrityError, match="nothing was applied"):
        await remote.bench.terraform.apply(job, plan.plan_file, code)
    assert state.state(STATE_KEY) is None


async def test_modules_of_another_commit_are_fetched_rather_than_applied(
    remote: Remote, state: StateServer
) -> None:
    # Given a plan, and the modules that were fetched for another commit,
    plan = await remote.bench.plan()
    other = await remote.origin.commit(PART | {"main.tf": POISON}, parents=(remote.pinned,))
    remote.bench.write(replace(remote, pinned=other).files)
    code = FetchedCode(digest=plan.code.digest, modules=(await remote.bench.plan()).modules)
    remote.bench.write(remote.files)
    again = await remote.bench.plan()

    # when the plan is applied with these, then it has its own.
    job = remote.bench.job(dies_with_parent=False)
    applied = await remote.bench.terraform.apply(job, again.plan_file, code)
    assert applied.exit_code == 0, applied.log_tail
    assert (remote.fetched / "main.tf").read_text() == PART["main.tf"]
    assert state.resources(STATE_KEY) == ["part"]


async def test_an_apply_of_another_digest_never_starts(remote: Remote, state: StateServer) -> None:
    plan = await remote.bench.plan()
    code = FetchedCode(digest="1:" + "0" * 64, modules=plan.code.modules)

    with pytest.raises(IntegrityError, match="nothing was applied"):
        await remote.bench.terraform.apply(remote.bench.job(dies_with_parent=False), plan.plan_file, code)

    assert state.state(STATE_KEY) is None


async def test_what_a_plan_cannot_write_stays_as_it_was(remote: Remote) -> None:
    if not remote.sandboxed:
        pytest.skip("without a sandbox the data directory can be written")
    await remote.bench.plan()
    script = "find $TF_DATA_DIR -type f -exec sh -c 'echo poison >> $0' {} ';' ; touch $TF_DATA_DIR/planted"
    remote.bench.write(hostile(script))

    await remote.bench.plan()

    assert (remote.fetched / "main.tf").read_text() == PART["main.tf"]
    assert not (remote.bench.slot.data_dir / "planted").exists()
    assert remote.inits == 1


HOOKS = """
mkdir -p hooks
printf '#!/bin/sh\\necho a hook ran\\necho "# poison" >> main.tf\\n' > hooks/post-checkout
chmod +x hooks/post-checkout
printf '[core]\\n\\thooksPath = %s\\n' "$PWD/hooks" > $HOME/.gitconfig
printf '[core]\\n\\thooksPath = %s\\n' "$PWD/hooks" > .gitconfig
mkdir -p $HOME/.config/git && cp $HOME/.gitconfig $HOME/.config/git/config
cat $HOME/.gitconfig
"""


async def test_a_later_init_reads_no_git_configuration_of_a_plan(remote: Remote) -> None:
    # Given code that gives git hooks, in the home that it knows,
    remote.bench.write(hostile(HOOKS))
    await remote.bench.plan()
    assert any("hooksPath" in line for line in remote.bench.lines)

    # when the module is fetched again in the same place,
    shutil.rmtree(remote.bench.slot.data_dir)
    memo_file(remote.bench.slot.data_dir).unlink()
    plan = await remote.bench.plan()

    # then no hook has run.
    assert remote.inits == 2
    assert "a hook ran" not in remote.bench.output
    assert (remote.fetched / "main.tf").read_text() == PART["main.tf"]
    assert inputs(plan) == ["honest"]


async def test_nobody_poisons_the_modules_of_the_next_pull_request(remote: Remote, tmp_path: Path) -> None:
    # Given a slot with the module of the default branch,
    ground = await Ground.create(tmp_path / "ground", remote.bench.endpoint_url, remote.bench.terraform)
    honest = await ground.plan_alone(remote.files)

    # when code of a pull request that nobody approved gives git hooks, and asks for an init,
    with pytest.raises(TerraformError):
        await ground.plan_alone(
            remote.files | hostile(f"{HOOKS}\necho 'Please run: terraform init' >&2; exit 1")
        )

    # then the next one's modules are those that everybody has reviewed.
    later = await ground.plan_alone(remote.files)
    assert inputs(later.output) == ["honest"]
    assert later.output.fetched == honest.output.fetched
    assert later.output.modules == honest.output.modules
    assert "a hook ran" not in ground.bench.output


async def test_the_hooks_of_the_fixture_would_run(tmp_path: Path) -> None:
    path = tmp_path / "part.git"
    path.mkdir()
    await (await Origin.create(path)).commit(PART)
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\necho "# poison" >> main.tf\n')
    hook.chmod(0o755)

    await git("-c", f"core.hooksPath={hook.parent}", "clone", "-q", str(path), "clone", cwd=tmp_path)

    assert "# poison" in (tmp_path / "clone" / "main.tf").read_text()
