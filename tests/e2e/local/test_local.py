"""`gatewright local` on real Terraform and a real S3 server with a key pair per environment and purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from bot.domain.core.errors import GatewrightError
from tests.e2e.local.conftest import Desk

_READS = """
data "terraform_remote_state" "runs" {
  backend = "s3"
  config = {
    bucket = "%s"
    key = "dev/other.tfstate"
    region = "auto"
    profile = "runs"
    shared_config_files = ["${path.module}/aws.config"]
    endpoints = { s3 = "%s" }
    use_path_style = true
    skip_credentials_validation = true
    skip_region_validation = true
    skip_requesting_account_id = true
    skip_metadata_api_check = true
    skip_s3_checksum = true
  }
}
resource "terraform_data" "reads" {
  provisioner "local-exec" { command = "grep made made.txt" }
}
"""
_STATE = re.compile(r"^state (before|after): serial (\d+), lineage (\S+)$", re.MULTILINE)


async def test_dev_is_planned_applied_and_unchanged_with_serial_and_lineage(desk: Desk) -> None:
    # Given a checkout whose dev has never been applied by ann,
    assert await desk.plan("dev", user="Ann") == 0

    assert "state before: none yet" in desk.text
    assert "dev/ann/terraform.tfstate" in desk.text
    assert re.search(r"^plan: \d+ to add$", desk.text, re.MULTILINE)
    assert re.search(r"^risk: low", desk.text, re.MULTILINE)
    [plan] = json.loads(json.dumps(desk.plans))
    assert (plan["environment"], plan["has_changes"], plan["risk"]["level"]) == ("dev", True, "low")
    assert plan["counts"]["add"] == len(plan["resources"]) > 0

    # when she says no, nothing happens, and when she says yes, it is applied,
    assert await desk.apply("dev", user="Ann", answer=False) == 1
    assert "state after: none yet" in desk.text
    assert await desk.apply("dev", user="Ann") == 0
    assert (desk.root.parent / "site" / "dev" / "index.html").exists()
    ((_, serial, lineage),) = _STATE.findall(desk.text)

    # then the next plan finds that very state and nothing to do, and nothing was left lying about.
    assert await desk.apply("dev", user="Ann") == 0
    assert "plan: no changes" in desk.text
    assert _STATE.findall(desk.text) == [("before", serial, lineage), ("after", serial, lineage)]
    assert desk.left_behind() == []
    assert await desk.plan("dev", user="Bob") == 0
    assert "state before: none yet" in desk.text


async def test_another_environment_is_planned_read_only_and_never_applied(desk: Desk) -> None:
    with pytest.raises(GatewrightError, match=r"comment `/apply staging` there"):
        await desk.apply("staging")

    assert await desk.plan("staging") == 0

    assert "staging/terraform.tfstate" in desk.text
    assert "state after: none yet" in desk.text


async def test_local_dependencies_are_started_before_and_stopped_on_request(desk: Desk) -> None:
    # Given dependencies that write down what happens to them,
    desk.change_policy(
        "trigger: local",
        "trigger: local\n    up: [sh, -c, echo up >> log]\n    down: [sh, -c, echo down >> log]",
    )

    # when dev is planned, and they are stopped,
    await desk.plan("dev", user="deps")
    assert await desk.down("dev") == 0

    # then that was the order, in the checkout's root, and a start that fails keeps Terraform away.
    assert (desk.root / "log").read_text().split() == ["up", "down"]
    desk.change_policy("echo up >> log", "exit 3")
    with pytest.raises(GatewrightError, match=r"`up` of dev failed with exit code 3; nothing was planned"):
        await desk.plan("dev", user="deps")
    assert await desk.down("staging") == 0
    assert "nothing to stop" in desk.text


async def test_locked_state_is_not_applied_and_its_holder_is_named(desk: Desk) -> None:
    lock = {
        "ID": "1",
        "Operation": "OperationTypeApply",
        "Who": "eve@laptop",
        "Created": "2026-03-04T12:00:00Z",
    }
    desk.put_state_object("dev/locked/terraform.tfstate.tflock", json.dumps(lock).encode())

    with pytest.raises(
        GatewrightError, match=r"locked by eve@laptop for OperationTypeApply since 2026-03-04"
    ):
        await desk.apply("dev", user="locked")

    await desk.plan("dev", user="locked")
    assert "the state is locked by eve@laptop" in desk.text


async def test_a_plan_that_fails_shows_terraforms_words_without_secrets(desk: Desk) -> None:
    # Given code that is wrong, and quotes a credential,
    desk.settings["DEV_PLAN_API_TOKEN"] = "tell-nobody-about-it"
    (desk.root / "terraform" / "wrong.tf").write_text('locals { wrong = tell-nobody-about-it."x" }\n')

    with pytest.raises(GatewrightError):
        await desk.plan("dev", user="wrong")

    assert "wrong.tf" in desk.text
    assert "tell-nobody" not in desk.text
    assert desk.left_behind() == []


async def test_file_outside_the_inputs_is_missing_and_its_line_shown(desk: Desk) -> None:
    # Given code that reads a file elsewhere in the checkout, by a path that only Terraform knows,
    (desk.root / "shared").mkdir()
    (desk.root / "shared" / "x.json").write_text('"hello"\n')
    code = 'output "read" { value = file("${dirname(abspath(path.root))}/shared/x.json") }\n'
    (desk.root / "terraform" / "reads.tf").write_text(code)

    # when it is planned, then it fails, and says what the policy lacks,
    with pytest.raises(GatewrightError):
        await desk.plan("dev", user="reads")
    assert "The checkout has shared/x.json" in desk.text
    assert 'when_modified: ["terraform/**", "shared/x.json"]' in desk.text

    # and with that line it is planned.
    desk.change_policy(
        "{name: default, dir: terraform}",
        '{name: default, dir: terraform, when_modified: ["terraform/**", "shared/x.json"]}',
    )
    assert await desk.plan("dev", user="reads") == 0
    assert desk.left_behind() == []


async def test_files_of_a_plan_are_there_for_its_apply(desk: Desk) -> None:
    # Given code that runs a program while it is planned, which leaves a file that the apply reads,
    pair = {
        "Version": 1,
        "AccessKeyId": desk.settings["GATEWRIGHT_DEV_PLAN_STATE_ACCESS_KEY_ID"],
        "SecretAccessKey": desk.settings["GATEWRIGHT_DEV_PLAN_STATE_SECRET_ACCESS_KEY"],
    }
    module = desk.root / "terraform"
    (module / "program.sh").write_text(f"echo made > made.txt\necho '{json.dumps(pair)}'\n")
    (module / "aws.config").write_text("[profile runs]\ncredential_process = sh program.sh\n")
    (module / "reads.tf").write_text(_READS % (desk.s3.state_bucket, desk.s3.endpoint_url))
    other = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "other", "outputs": {}}
    desk.put_state_object("dev/other.tfstate", json.dumps({**other, "resources": []}).encode())

    # when it is applied, then it was there,
    assert await desk.apply("dev", user="builds") == 0
    assert "applied" in desk.said
    # and it never was in the checkout.
    assert not (module / "made.txt").exists()


def _without_policy(desk: Desk) -> None:
    (desk.root / "gatewright.yaml").unlink()
    (desk.root / ".git").mkdir()


def _without_settings(desk: Desk) -> None:
    del desk.settings["GATEWRIGHT_STATE_BUCKET"]


def _without_credentials(desk: Desk) -> None:
    del desk.settings["GATEWRIGHT_DEV_PLAN_STATE_ACCESS_KEY_ID"]


def _another_version(desk: Desk) -> None:
    text = (desk.root / "gatewright.yaml").read_text()
    (desk.root / "gatewright.yaml").write_text(re.sub(r'version: "[0-9.]+"', 'version: "1.10.9"', text))


def _pull_key(desk: Desk) -> None:
    desk.change_policy("test/terraform.tfstate", "test/{pull}/terraform.tfstate")


def _cache_inside(desk: Desk) -> None:
    desk.settings["GATEWRIGHT_LOCAL_DIR"] = str(desk.root / "cache")


@pytest.mark.parametrize(
    ("spoil", "env", "user", "words"),
    [
        pytest.param(_without_policy, "dev", "ann", "no gatewright.yaml in ", id="no policy"),
        pytest.param(
            lambda _: None, "qa", "ann", "unknown environment 'qa': must be one of dev, ci", id="unknown"
        ),
        pytest.param(_without_settings, "dev", "ann", "GATEWRIGHT_STATE_BUCKET is required", id="settings"),
        pytest.param(
            _without_credentials,
            "dev",
            "ann",
            "no credentials to plan dev: set GATEWRIGHT_DEV_PLAN_STATE_ACCESS_KEY_ID",
            id="credentials",
        ),
        pytest.param(_another_version, "dev", "ann", "1.10.9 is wanted. gatewright.yaml names", id="version"),
        pytest.param(_pull_key, "test", "ann", "pass --pull NUMBER", id="a pull request's state"),
        pytest.param(_cache_inside, "dev", "ann", "is inside the checkout", id="cache in the checkout"),
        pytest.param(lambda _: None, "dev", "a/../b", "cannot be part of a state key", id="user"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    desk: Desk, spoil: Callable[[Desk], None], env: str, user: str, words: str
) -> None:
    spoil(desk)

    with pytest.raises(GatewrightError) as raised:
        await desk.plan(env, user=user)

    assert words in str(raised.value)
    assert desk.left_behind() == []


def _declare(desk: Desk, *lines: str) -> None:
    code = "\n".join(["", 'variable "word" {', *lines, "}", 'output "word" {', "  value = 1", "}", ""])
    (desk.root / "terraform" / "word.tf").write_text(code)


async def test_another_variable_for_applies_is_refused_by_name(desk: Desk) -> None:
    # Given a variable that is set for applies of dev alone, then nothing is planned or applied.
    _declare(desk, '  default = "insecure"')
    desk.settings["DEV_TF_VAR_word"] = "for-applies-alone"

    for act in (desk.plan, desk.apply):
        with pytest.raises(GatewrightError, match="`DEV_TF_VAR_word` is set, `DEV_PLAN_TF_VAR_word` is not"):
            await act("dev", user="otto")

    assert "for-applies-alone" not in desk.text
    assert desk.left_behind() == []


async def test_environment_that_is_only_planned_needs_no_apply_variables(desk: Desk) -> None:
    _declare(desk, '  default = "insecure"')
    desk.settings["STAGING_PLAN_TF_VAR_word"] = "for-plans"

    assert await desk.plan("staging") == 0


async def test_ephemeral_variable_of_the_var_file_is_planned_and_applied(desk: Desk) -> None:
    _declare(desk, "  ephemeral = true")
    with (desk.root / "envs" / "dev.tfvars").open("a") as values:
        values.write('word = "sesame"\n')

    assert await desk.apply("dev", user="emil") == 0


async def test_a_module_without_its_files_is_not_planned(desk: Desk) -> None:
    # Given a checkout whose module was moved away,
    (desk.root / "terraform").rename(desk.root / "old")
    (desk.root / "terraform").mkdir()
    (desk.root / "terraform" / ".main.tf").write_text("terraform {}\n")

    # when dev is planned, then it is refused with what to do, and nothing is left lying about.
    with pytest.raises(GatewrightError, match=r"has no Terraform configuration.*only its `terraform` and"):
        await desk.plan("dev", user="moved")
    with pytest.raises(GatewrightError, match="has no Terraform configuration"):
        await desk.apply("dev", user="moved")
    assert desk.left_behind() == []

    # And one `terraform` block is enough.
    (desk.root / "terraform" / "main.tf").write_text("terraform {}\n")
    assert await desk.plan("dev", user="moved") == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"terraform/mods/app/.git": "gitdir: ../../x\n", "terraform/mods/app/main.tf": ""},
            "terraform/mods/app",
        ),
        ({"libs/.git": "gitdir: ../x\n", "libs/app/main.tf": "", "terraform/app.tf": "../libs/app"}, "libs"),
        ({"terraform/app.tf": "./mods/app", "terraform/mods/app/": ""}, "terraform/mods/app"),
        (
            {"envs/dev.tfvars": "version https://git-lfs.github.com/spec/v1\noid x\nsize 1\n"},
            "envs/dev.tfvars",
        ),
    ],
    ids=["a submodule", "inside a submodule", "not checked out", "a pointer as var file"],
)
async def test_content_that_is_not_in_the_repository_is_not_planned(
    desk: Desk, change: dict[str, str], named: str
) -> None:
    # Given a checkout with such content among the inputs,
    for path, text in change.items():
        place = desk.root / path
        if path.endswith("/"):
            place.mkdir(parents=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f'module "app" {{\n  source = "{text}"\n}}\n' if text.startswith(".") else text)

    # when dev is planned, then it is refused by name, since the bot would not see it either.
    with pytest.raises(GatewrightError, match=f"nothing was planned.*`{named}`"):
        await desk.plan("dev", user="hollow")


async def test_modules_that_terraform_has_fetched_are_no_submodules(desk: Desk) -> None:
    place = desk.root / "terraform" / ".terraform" / "modules" / "app"
    (place / ".git").mkdir(parents=True)

    assert await desk.plan("dev", user="fetched") == 0


async def test_code_with_state_elsewhere_is_not_planned_from_nothing(desk: Desk) -> None:
    # Given a checkout whose module names another backend, and no state of it here,
    backend = desk.root / "terraform" / "backend.tf"
    backend.write_text('terraform {\n  backend "gcs" {\n    bucket = "acme"\n  }\n}\n')

    # when it is planned, then the ways out are said and nothing was started,
    with pytest.raises(GatewrightError, match=r"says that its state lies elsewhere") as raised:
        await desk.plan("dev", user="eli")
    assert "backend.tf declares the backend gcs" in str(raised.value)
    assert 'terraform state push "$copied"' in str(raised.value)
    assert "state after" not in desk.text
    assert desk.left_behind() == []

    # and once there is a state here, the block means nothing any more.
    backend.unlink()
    assert await desk.apply("dev", user="eli") == 0
    backend.write_text('terraform {\n  backend "gcs" {}\n}\n')
    assert await desk.plan("dev", user="eli") == 0
    assert "plan: no changes" in desk.text
