"""Terraform code that looks around, talks Markdown, or gives secrets away."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.e2e.world import MOTTO, STAGING, World, state_client
from tests.e2e_input.scene import Scene

_HOSTILE = """
resource "terraform_data" "hostile" {
  input = <<-EOT
    first line
    ```
    ~~~~
    ``````
    </details>
    <script>alert(1)</script>
    <img src=x onerror=alert(1)>
    @dev @acme/owners and #1
    <!-- gatewright {"kind":"apply","env":"prod","status":"applied"} -->
    ## You may merge
    last line
  EOT
}

output "hostile" {
  value = "</details> <script>alert(2)</script> @dev ` | #1"
}
"""
_LEAK = """
variable "motto" {
  type      = string
  sensitive = true
  default   = "no motto was given"
}

resource "terraform_data" "leak" {
  input = var.motto

  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "echo \\"the motto is $MOTTO\\"; exit EXIT"
    environment = { MOTTO = self.output }
  }
}

output "leak" {
  value = "it is ${terraform_data.leak.output}!"
}
"""


async def planned(
    world: World, changes: dict[str, str | None], *, status: str = "planned"
) -> tuple[int, str]:
    number = await world.open(changes)
    plan = await world.hear(number, kind="plan", env="staging", status=status)
    await world.told(number)
    return number, plan.body


async def test_text_of_a_plan_stays_text(scene: Scene) -> None:
    # Given a pull request whose values are Markdown, HTML, mentions and a header of the bot's own,
    world = scene.world
    number, body = await planned(world, {"terraform/hostile.tf": _HOSTILE})
    # When it is planned, and applied on staging,
    applied = await world.applied(number)
    # Then what it says is shown inside one code block,
    assert any("last line" in block and "first line" in block for block in blocks(body))
    for said in (body, applied.body):
        # and nothing outside of code is HTML of others, a mention or a heading of others,
        outside = outside_code(said)
        assert not re.search(r"<(script|img)", outside, re.IGNORECASE)
        assert not re.search(r"@(dev|acme)", outside)
        assert "You may merge" not in outside
        assert outside.count("<details>") == outside.count("</details>")
        # and the first line alone is a header.
        assert outside.count("<!-- gatewright") == 1
    # And the next command is still read as such, below the block.
    assert (
        "/apply staging"
        in re.sub(r"<pre>.*?</pre>", "", rendered(body), flags=re.DOTALL).rpartition("</details>")[2]
    )


def rendered(body: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(body))


def blocks(body: str) -> list[str]:
    return re.findall(r"<pre>(.*?)</pre>", rendered(body), re.DOTALL)


def outside_code(body: str) -> str:
    return html.unescape(re.sub(r"<(pre|code)\b.*?</\1>", "", rendered(body), flags=re.DOTALL))


async def test_a_secret_that_leaks_through_terraform_is_seen_nowhere(scene: Scene) -> None:
    # Given code that copies a sensitive variable into an output, and prints it while it is applied,
    world = scene.world
    number, _ = await planned(world, {"terraform/leak.tf": _LEAK.replace("EXIT", "1")})
    # When the apply fails with the secret on its last line,
    await world.comment(number, "/apply staging")
    failed = await world.hear(number, kind="apply", env="staging", status="failed")
    await world.told(number)
    assert "the motto is" in failed.body
    # when it is repaired and applied, and planned again with the old value in the diff,
    head = await world.push({"terraform/leak.tf": _LEAK.replace("EXIT", "0")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    applied = await world.applied(number)
    assert "leak" in applied.body
    await world.comment(number, "/plan staging -- -replace=terraform_data.leak")
    await world.hear(number, kind="plan", env="staging", status="planned")
    # when it is taken out again, so that the plan destroys it,
    await world.idle()
    head = await world.push({"terraform/leak.tf": None})
    await world.hear(number, kind="plan", env="staging", head=head)
    await world.told(number)
    # Then it was really given to Terraform, and is in the state alone,
    assert MOTTO.encode() in b"".join(await asyncio.to_thread(objects, world, "state_bucket"))
    # and in no comment, check, log, log object, deployment or database, and not in the bot's own log.
    assert await asyncio.to_thread(places, world, number, MOTTO) == []


def objects(world: World, bucket: str) -> list[bytes]:
    name = str(getattr(world.playground.s3, bucket))
    with state_client(world.playground) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=name)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return [client.get_object(Bucket=name, Key=key)["Body"].read() for key in keys]


def places(world: World, number: int, secret: str) -> list[str]:
    """Return where a secret can be read that must not be read anywhere."""
    needle, found = secret.encode(), []
    github = world.github
    comments = [each.body for each in github.comments(world.repo, number)]
    found += [f"comment {body[:60]}" for body in comments if secret in body]
    runs = github._hub.state.data.check_runs.values()
    found += [
        f"check {run.name}" for run in runs if run.repo == world.repo and secret in run.model_dump_json()
    ]
    found += [
        f"deployment {each.id}" for each in github.deployments(world.repo) if secret in each.model_dump_json()
    ]
    artifacts = objects(world, "artifact_bucket")
    assert artifacts
    found += ["artifact" for data in artifacts if needle in data]
    data = world.playground.directory / "bot" / "data"
    logs = sorted((data / "logs").glob("*.log"))
    assert logs
    assert (data / "gatewright.db").exists()
    files = [path for path in data.rglob("*") if path.is_file() and not path.is_symlink()]
    files += [world.playground.bot.log]
    found += [str(path.relative_to(data.parent)) for path in files if needle in path.read_bytes()]
    return found


async def test_code_of_a_plan_sees_only_its_own_environment_and_files(scene: Scene) -> None:
    # Given code that reads the environments of processes, and asks for the bot's files,
    world = scene.world
    if not world.playground.sandbox:
        pytest.skip("there is no bubblewrap here")
    secrets = world.playground.secrets
    hidden = (
        *("GATEWRIGHT_", "PROD_", "PROD_ONLY", "ONLY_APPLY", "ONLY_PROD", "PRIVATE KEY"),
        *("AWS_SECRET_ACCESS_KEY", "GIT_CONFIG"),
    )
    data = world.playground.directory / "bot" / "data"
    real = [
        data / "gatewright.db",
        world.playground.bot.log,
        world.playground.directory / "s3" / "credentials.json",
    ]
    assert all(path.is_file() for path in real)
    number, body = await planned(world, {"terraform/probe.tf": probe(("ONLY_PLAN", *hidden), real)})
    # When it is planned,
    seen = dict(re.findall(r"\[(\S.*?)\]=(\w+)", body))
    # Then it sees what plans of staging are given, and nothing else.
    assert seen == {
        "ONLY_PLAN": "true",
        **dict.fromkeys(hidden, "false"),
        **{f"file {number}": "false" for number in range(len(real))},
        "data": "0",
        "processes": "1",
    }
    assert secrets.webhook_secret not in body
    await world.idle()
    assert number


def probe(words: tuple[str, ...], files: list[Path]) -> str:
    """Return code whose output tells what can be seen."""
    every = json.dumps(words)
    paths = json.dumps([str(path) for path in files])
    data = json.dumps(str(files[0].parent))
    return f"""
locals {{
  environments = join("", [for file in fileset("/proc", "*/environ") : try(base64decode(filebase64("/proc/${{file}}")), file("/proc/${{file}}"), "")])
  seen = concat(
    [for word in {every} : "[${{word}}]=${{strcontains(local.environments, word)}}"],
    [for number, path in {paths} : "[file ${{number}}]=${{fileexists(path)}}"],
    ["[data]=${{length(fileset({data}, "**"))}}", "[processes]=${{length([for file in fileset("/proc", "*/environ") : file if can(regex("^[0-9]+/", file))])}}"],
  )
}}

resource "terraform_data" "seen" {{
  input = join(" ", local.seen)
}}
"""


async def test_credentials_of_plans_and_applies_never_meet(scene: Scene) -> None:
    # Given code that writes down the names in its environment when it is applied,
    world = scene.world
    name = world.repo.partition("/")[2]
    place = world.playground.directory / "site" / f"{name}.names"
    code = f"""
resource "terraform_data" "names" {{
  provisioner "local-exec" {{
    interpreter = ["/bin/sh", "-c"]
    command     = "{{ tr '\\\\0' '\\\\n' < /proc/1/environ; env; }} | cut -d= -f1 | sort -u > '{place}'"
  }}
}}
"""
    number, _ = await planned(world, {"terraform/names.tf": code, STAGING: await world.staging("Names")})
    # When it is applied,
    await world.applied(number)
    names = set((await asyncio.to_thread(place.read_text)).split())
    # Then applies of staging were given what is theirs, and nothing of plans, of prod and of the bot.
    assert {"ONLY_APPLY", "TF_VAR_motto"} <= names
    foreign = {"ONLY_PLAN", "PLAN_ONLY_PLAN", "PLAN_TF_VAR_motto", "ONLY_PROD", "PROD_PLAN"}
    assert names.isdisjoint(foreign)
    assert [
        each for each in names if each.startswith(("GATEWRIGHT", "PROD", "STAGING", "GITHUB", "PYTHON"))
    ] == []


async def test_a_plan_of_staging_cannot_read_the_state_of_prod(scene: Scene) -> None:
    # Given states of staging and prod that hold a word each,
    world = scene.world
    name = world.repo.partition("/")[2]
    for env in ("staging", "prod"):
        await asyncio.to_thread(put_state, world, f"{env}/{name}-other/terraform.tfstate", f"word-of-{env}")
    # When code of a pull request reads that of staging with the credentials at hand,
    number, body = await planned(world, {"terraform/spy.tf": spy(world, f"staging/{name}-other")})
    # Then it can, as it may;
    assert "word-of-staging" in body
    # when it reads that of prod,
    head = await world.push({"terraform/spy.tf": spy(world, f"prod/{name}-other")})
    failed = await world.hear(number, kind="plan", env="staging", status="failed", head=head)
    await world.told(number)
    # Then the store refuses it.
    assert "AccessDenied" in failed.body or "403" in failed.body
    assert not [
        each
        for each in world.watch(number).comments()
        if "word-of-prod" in staging_part(each.header, each.body)
    ]


def staging_part(header: dict[str, object], body: str) -> str:
    """Return a comment unless it is about prod, whose own plans may read prod's states."""
    return "" if header.get("env") == "prod" else body


def put_state(world: World, key: str, word: str) -> None:
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "11111111-2222-3333-4444-555555555555",
        "outputs": {"word": {"value": word, "type": "string"}},
        "resources": [],
    }
    with state_client(world.playground) as client:
        client.put_object(Bucket=world.playground.s3.state_bucket, Key=key, Body=json.dumps(state).encode())


def spy(world: World, folder: str) -> str:
    credentials = "/gatewright/credentials"
    s3 = world.playground.s3
    return f"""
data "terraform_remote_state" "other" {{
  backend = "s3"
  config = {{
    bucket                      = "{s3.state_bucket}"
    key                         = "{folder}/terraform.tfstate"
    region                      = "auto"
    endpoints                   = {{ s3 = "{s3.endpoint_url}" }}
    profile                     = "gatewright-state"
    shared_credentials_files    = ["{credentials}"]
    use_path_style              = true
    skip_s3_checksum            = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }}
}}

resource "terraform_data" "word" {{
  input = data.terraform_remote_state.other.outputs.word
}}
"""
