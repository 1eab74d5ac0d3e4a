"""Code that runs a program while it is planned: what is shown is what is stored, and nothing of it outlives its step."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.adapters.terraform import TerraformCli
from bot.adapters.terraform.initialisation import SKIPPED
from bot.domain.core.errors import NeedsInitError, TerraformError, TreeChangedError, UnsafeTreeError
from bot.ports import Slot
from bot.services.runs.tree_runs import REPEATED
from tests.fakes.hostile import PROGRAM, hostile
from tests.integration.terraform.bench import ONE_RESOURCE, Bench
from tests.integration.terraform.ground import Ground, engine
from tests.integration.terraform.state_server import StateServer

MODULE = {"terraform/main.tf": ONE_RESOURCE}
INITIALISED = "Terraform has been successfully initialized!"

StartGround = Callable[[TerraformCli], Awaitable[Ground]]

needs_sandbox = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture
def start_ground(state: StateServer, tmp_path: Path) -> StartGround:
    """Return a way to have a repository and a machine with a chosen engine."""

    async def start(terraform: TerraformCli) -> Ground:
        return await Ground.create(tmp_path, state.endpoint_url, terraform)

    return start


@pytest.fixture
async def ground(bench: Bench, start_ground: StartGround) -> Ground:
    return await start_ground(bench.terraform)


async def test_the_fixture_runs_a_program_while_it_is_planned(bench: Bench) -> None:
    bench.write(MODULE | hostile("echo it ran; touch ran"))

    plan = await bench.plan()

    assert "it ran" in bench.lines
    assert (bench.slot.tree / "terraform/ran").exists()
    assert "terraform_data.one will be created" in plan.text


# The plan that was saved.

SAVE_ELSEWHERE = (
    "for out in $(dirname $HOME)/out $(dirname $(dirname $HOME))/[0-9]*/out; do "
    "if [ -d $out ]; then plan=$out/plan.tfplan; fi; done"
)
WAYLAY = {
    "a link into the tree": f'{SAVE_ELSEWHERE}; ln -s "$PWD/saved" $plan',
    "a relative link": f"{SAVE_ELSEWHERE}; ln -s ../../../../saved $plan",
    "a link to a device": f"{SAVE_ELSEWHERE}; ln -s /dev/null $plan",
    "a pipe": f"{SAVE_ELSEWHERE}; mkfifo $plan; cat $plan > /dev/null 2>&1 &",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("script", WAYLAY.values(), ids=WAYLAY)
async def test_a_plan_that_was_led_elsewhere_is_a_clean_failure(bench: Bench, script: str) -> None:
    bench.write(MODULE | hostile(script))

    with pytest.raises(
        (TreeChangedError, UnsafeTreeError, TerraformError), match=r"plan\.tfplan|plan failed"
    ):
        await bench.plan()

    assert not (bench.slot.scratch / "plan.tfplan").exists()


REPLACE = {
    "a link to a file of the host": "ln -s %(host)s $plan",
    "an endless device": "ln -s /dev/zero $plan",
    "a pipe": "mkfifo $plan",
    "a directory": "mkdir $plan",
    "a giant": "truncate -s 1T $plan",
    "a directory that is gone": "rmdir $(dirname $plan) || chmod 0 $(dirname $plan)",
}
SAVED = """
terraform "$@"
code=$?
if [ "$1" = plan ]; then
  for word in "$@"; do case "$word" in -out=*) plan=${word#-out=};; esac; done
  rm $plan
  %s
fi
exit $code
"""


@needs_sandbox
@pytest.mark.timeout(60)
@pytest.mark.parametrize("script", REPLACE.values(), ids=REPLACE)
@pytest.mark.parametrize("sandbox", [True, False], ids=["sandboxed", "open"])
async def test_what_is_no_plan_is_refused_whatever_it_is(
    state: StateServer, tmp_path: Path, script: str, *, sandbox: bool
) -> None:
    host = tmp_path / "secret"
    host.write_text("of the host")
    terraform = engine(tmp_path, SAVED % script.replace("%(host)s", str(host)), sandbox=sandbox)
    bench = Bench(tmp_path / "slot", state.endpoint_url, terraform)
    bench.write(MODULE)

    with pytest.raises((TreeChangedError, UnsafeTreeError, TerraformError)) as refused:
        await bench.plan()

    assert "of the host" not in str(refused.value)
    assert not (bench.slot.scratch / "plan.tfplan").exists()
    assert "show" not in [path.name.partition("-")[2] for path in (bench.slot.scratch / "logs").iterdir()]


@needs_sandbox
async def test_what_is_shown_is_what_is_stored_and_applied(state: StateServer, tmp_path: Path) -> None:
    # Given an engine that saves another plan than the one that it prints,
    another = "terraform plan -lock=false -input=false -out=$plan -var=size=99 > /dev/null; code=2"
    terraform = engine(tmp_path, SAVED % another)
    bench = Bench(tmp_path / "slot", state.endpoint_url, terraform)
    # (what a file sets is compared only where a stack has it as its var file),
    bench.write(MODULE | {"terraform/terraform.tfvars": "size = 1\n"})

    # when it is planned,
    plan = await bench.plan()

    # then what is shown is the saved one, whose digest is told,
    assert plan.sha256 == hashlib.sha256(plan.plan_file.read_bytes()).hexdigest()
    (change,) = plan.json["resource_changes"]
    assert change["change"]["after"]["input"] == 99
    assert re.search(r"input\s+= 99", plan.text)
    with zipfile.ZipFile(plan.plan_file) as archive:
        assert "tfplan" in archive.namelist()
    # and that one is applied.
    applied = await bench.apply(plan)
    assert applied.outputs["size"]["value"] == 99


@needs_sandbox
async def test_the_copy_of_a_plan_is_out_of_its_reach(sandboxed_bench: Bench) -> None:
    look = "find / -name plan.tfplan 2> /dev/null > found; ls -la $(dirname $HOME) >> listed"
    sandboxed_bench.write(MODULE | hostile(look))

    first = await sandboxed_bench.plan()
    again = await sandboxed_bench.plan()

    assert again.plan_file == first.plan_file
    assert (sandboxed_bench.slot.tree / "terraform/found").read_text() == ""


# A plan that was made of something else.

SWAP = """
if [ ! -e /tmp/other ]; then
cat > /tmp/swap.py <<'END'
import fcntl, os, subprocess, sys, termios, time

forged, plan = sys.argv[1:]
os.mkfifo(plan)
pipe = os.open(plan, os.O_RDWR)
fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 8192)
os.write(pipe, b"x")
if os.fork():
    sys.exit()
devnull = os.open(os.devnull, os.O_RDWR)
for stream in range(3):
    os.dup2(devnull, stream)


def waiting():
    answer = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


while waiting() == 1:
    time.sleep(0.001)
# Terraform has opened the pipe, and saves its plan to nobody.
subprocess.run(["cp", forged, plan + ".new"], check=True)
os.rename(plan + ".new", plan)
while True:
    os.read(pipe, 8192)
END
mkdir /tmp/other
cp -r . /tmp/other
cd /tmp/other
%s
export TF_DATA_DIR=/tmp/data
terraform init -input=false > /dev/null
terraform plan -lock=false -input=false -out=/tmp/forged > /dev/null
[ ! -e /tmp/zip.py ] || { python3 /tmp/zip.py; mv /tmp/better /tmp/forged; }
cd /work/terraform
python3 /tmp/swap.py /tmp/forged $(dirname $HOME)/out/plan.tfplan
fi
"""
PROVISIONER = """
resource "terraform_data" "one" {
  provisioner "local-exec" {
    command = "echo nobody has reviewed this"
  }
}
"""
OTHERWISE = {
    "with a provisioner": ("`m-/one_override.tf`", f"cat > one_override.tf <<'END'{PROVISIONER}END"),
    "with another file": ("`m-/more.tf`", "echo '# other' >> more.tf"),
    "without a file": ("`m-/more.tf`", "rm more.tf"),
    "with a module from elsewhere": ("`m-more/main.tf`", "cp module/* more/"),
    "with the files of a module elsewhere": (
        "its module `more` is from elsewhere",
        "mkdir copy; cp more/* copy; sed -i s#./more#./copy# more.tf",
    ),
    "of another state": (
        "`m-/zzzz_gatewright_backend_override.tf`",
        "sed -i 's#staging/terraform#prod/terraform#' *gatewright_backend_override.tf",
    ),
    "of another state without its file": (
        "it is of another state",
        """cat > /tmp/zip.py <<'END'
import sys, zipfile
name = "tfconfig/m-/zzzz_gatewright_backend_override.tf"
with zipfile.ZipFile("/tmp/forged") as old, zipfile.ZipFile("/tmp/better", "w") as new:
    for info in old.infolist():
        same = "/work/terraform/zzzz_gatewright_backend_override.tf"
        new.writestr(info.filename, open(same, "rb").read() if info.filename == name else old.read(info))
END
sed -i 's#staging/terraform#prod/terraform#' *gatewright_backend_override.tf""",
    ),
    "with a value that nobody gave": ("`kept`", "export TF_VAR_kept=other"),
    "of a part alone": (
        "it is of some resources alone",
        "export TF_CLI_ARGS_plan=-target=terraform_data.one",
    ),
}
# A plan that no pipe can hold.
LONG = "".join(f"# {hashlib.sha256(bytes([number])).hexdigest()}\n" for number in range(250))
SEVERAL = MODULE | {
    "terraform/long.tf": LONG,
    "terraform/more.tf": 'module "more" {\n  source = "./more"\n}\n',
    "terraform/more/main.tf": "locals {}\n",
    "terraform/kept.tf": 'variable "kept" {\n  default = "as reviewed"\n}\n',
    "terraform/module/main.tf": "locals {\n  one = 1\n}\n",
}


@needs_sandbox
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("said", "script"), OTHERWISE.values(), ids=OTHERWISE)
async def test_plan_of_other_code_or_of_another_state_is_refused(
    sandboxed_bench: Bench, said: str, script: str
) -> None:
    # Given code that has a plan of its own making saved in the place of the one that Terraform makes,
    sandboxed_bench.write(SEVERAL | hostile(SWAP % script))

    # when it is planned,
    with pytest.raises(TreeChangedError) as refused:
        await sandboxed_bench.plan()

    # then nothing is left to apply.
    assert said in str(refused.value)
    assert not (sandboxed_bench.slot.scratch / "plan.tfplan").exists()


VALUES = {
    "of the default": "unset TF_VAR_word",
    "of its own": "echo 'size = 7' > terraform.tfvars; unset TF_VAR_word",
    "of another environment": "echo 'size = 5' > terraform.tfvars; export TF_VAR_word=other",
}


@needs_sandbox
@pytest.mark.timeout(120)
@pytest.mark.parametrize("script", VALUES.values(), ids=VALUES)
async def test_plan_with_other_values_than_it_was_given_is_refused(
    sandboxed_bench: Bench, script: str
) -> None:
    word = 'variable "word" {\n  default = "none"\n}\n'
    sandboxed_bench.write(
        SEVERAL | {"terraform/word.tf": word, "values.tfvars": "size = 5\n"} | hostile(SWAP % script)
    )

    with pytest.raises(TreeChangedError, match="has another value than it was given"):
        await sandboxed_bench.plan(var_file="values.tfvars", environment={"TF_VAR_word": "given"})


@needs_sandbox
@pytest.mark.timeout(120)
async def test_plan_with_values_unlike_the_var_file_is_not_applied(
    sandboxed_bench: Bench, state: StateServer
) -> None:
    script = "echo 'size = 7' > terraform.tfvars"
    sandboxed_bench.write(SEVERAL | {"values.tfvars": "size = 5\n"} | hostile(SWAP % script))

    plan = await sandboxed_bench.plan(var_file="values.tfvars")
    applied = await sandboxed_bench.apply(plan, var_file="values.tfvars")

    assert applied.exit_code == 1
    assert "Can't change variable when applying a saved plan" in applied.log_tail
    assert state.stored_keys() == []


# What a step leaves behind.

MARK = """
mark=left-by; mark=$mark-a-plan
places=$(find / \\( -path /proc -o -path /usr -o -path /work/terraform/%(program)s \\) -prune -o \\
  \\( -type d -o -type f \\) -writable -print 2> /dev/null)
for place in $places; do
  if [ -d $place ]; then
    echo $mark > $place/$mark 2> /dev/null && echo "WROTE $place"
    mkdir $place/$mark-directory 2> /dev/null
  elif %(files)s; then
    echo "# $mark" >> $place && echo "WROTE $place"
  fi
done
"""
LOOK = """
mark=left-by; mark=$mark-a-plan
{ find / \\( -path /proc -o -path /usr \\) -prune -o -name "*$mark*" -print
  find / \\( -path /proc -o -path /usr \\) -prune -o -type f -print0 | xargs -0 grep -D skip -l $mark; } 2> /dev/null |
  sort -u | sed "s/^/SEEN by $1 at /" >&2
exec terraform "$@"
"""


def logs(slot: Slot) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted((slot.scratch / "logs").iterdir()))


def seen(slot: Slot) -> set[str]:
    return set(re.findall(r"^SEEN by .*", logs(slot), re.MULTILINE))


def written(slot: Slot) -> set[str]:
    return set(re.findall(r"^WROTE (.*)", logs(slot), re.MULTILINE))


EVERYWHERE = {"/work", "/work/terraform", "/gatewright/out", "/gatewright/home", "/tmp", "/dev/shm"}  # noqa: S108


@needs_sandbox
async def test_no_later_step_sees_what_a_plan_wrote(start_ground: StartGround, tmp_path: Path) -> None:
    # Given code that leaves something in each directory that it can write, and an engine that looks for it,
    ground = await start_ground(engine(tmp_path, LOOK))
    script = MARK % {"program": PROGRAM, "files": "false"}
    reviewed = await ground.reviewed(MODULE | hostile(script))

    # when it is planned and applied, and then another pull request is,
    async with ground.slot() as slot:
        planned = await ground.plan(slot, reviewed)
        wrote, seen_while_planned = written(slot), seen(slot)
        kept = planned.output.plan_file.read_bytes()
    async with ground.slot() as slot:
        (slot.scratch / "stored").write_bytes(kept)
        applied = await ground.apply(slot, planned, slot.scratch / "stored")
        seen_while_applied = seen(slot)
    other = await ground.reviewed(MODULE | {"terraform/more.tf": "# another pull request\n"})
    async with ground.slot() as slot:
        later = await ground.plan(slot, other)
        kept = later.output.plan_file.read_bytes()
        seen_by_others = seen(slot)
    async with ground.slot() as slot:
        (slot.scratch / "stored").write_bytes(kept)
        await ground.apply(slot, later, slot.scratch / "stored")
        seen_by_others |= seen(slot)

    # then it has been everywhere, and only its own apply gets what it added to the tree, when init is over.
    assert wrote >= EVERYWHERE
    assert seen_while_planned == set()
    assert applied.exit_code == 0
    added = {"/work/left-by-a-plan", "/work/terraform/left-by-a-plan"}
    assert seen_while_applied == {f"SEEN by apply at {path}" for path in added}
    assert planned.left.added == tuple(sorted(path.removeprefix("/work/") for path in added))
    assert seen_by_others == set()


@needs_sandbox
async def test_a_plan_that_changes_files_leaves_nothing_to_anybody(
    start_ground: StartGround, tmp_path: Path
) -> None:
    # Given code that appends to each file that it can write, reviewed ones too,
    ground = await start_ground(engine(tmp_path, LOOK))
    script = MARK % {"program": PROGRAM, "files": "true"}
    reviewed = await ground.reviewed(MODULE | {"docs/page": "page\n"} | hostile(script))
    other = await ground.reviewed(MODULE)

    # when it is planned, and then another pull request is,
    async with ground.slot() as slot:
        with pytest.raises(TreeChangedError) as refused:
            await ground.plan(slot, reviewed)
        wrote = written(slot)
    async with ground.slot() as slot:
        await ground.plan(slot, other)
        seen_by_others = seen(slot)

    # then the run fails with what it changed, and the other one sees nothing of it.
    assert {"docs/page", "terraform/main.tf"} <= {
        problem.partition(":")[0] for problem in refused.value.problems
    }
    assert {"/work/docs/page", "/work/terraform/main.tf"} <= wrote
    assert seen_by_others == set()


async def test_a_step_has_an_empty_home_without_a_sandbox(open_bench: Bench) -> None:
    # Given code that knows where the homes of later steps will be,
    steps = "$(dirname $(dirname $HOME))"
    plant = f"for n in $(seq 20 60); do mkdir -p {steps}/$n/home/planted; done"
    open_bench.write(MODULE | hostile(plant))
    await open_bench.plan()

    # when it is planned again, then these are empty.
    open_bench.write(hostile("echo home: $(ls -A $HOME)"))
    await open_bench.plan()
    assert "home:" in open_bench.lines


# Words that code can print.

BEGS = "echo it ran; ls; touch been-here; echo 'Please run: terraform init' >&2; exit 1"


async def test_code_that_asks_for_init_is_planned_once_more(ground: Ground) -> None:
    await ground.plan_alone(MODULE)

    with pytest.raises(TerraformError) as failed:
        await ground.plan_alone(MODULE | hostile(BEGS))
    said = ground.bench.lines

    assert type(failed.value) is TerraformError
    assert said.count("it ran") == 2
    assert said.count(REPEATED) == 1
    assert said.count(INITIALISED) == 2
    assert said.count(SKIPPED) == 1
    # The second time nothing of the first was there.
    assert "been-here" not in said


async def test_a_plan_that_needs_no_init_touches_nothing_for_words(bench: Bench) -> None:
    bench.write(MODULE)
    await bench.plan()
    before = {path: path.lstat() for path in bench.slot.data_dir.rglob("*")}
    bench.write(hostile(BEGS))

    with pytest.raises(NeedsInitError):
        await bench.plan()

    assert {path: path.lstat() for path in bench.slot.data_dir.rglob("*")} == before
    assert bench.lines.count(INITIALISED) == 1


async def test_a_first_plan_that_asks_for_init_just_fails(ground: Ground) -> None:
    with pytest.raises(TerraformError) as failed:
        await ground.plan_alone(MODULE | hostile(BEGS))

    assert type(failed.value) is TerraformError
    assert ground.bench.lines.count("it ran") == 1
    assert REPEATED not in ground.bench.lines
