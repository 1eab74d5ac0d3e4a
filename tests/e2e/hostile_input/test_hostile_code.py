"""Terraform code that looks around, talks Markdown, or gives secrets away."""

from __future__ import annotations

import asyncio
import html
import re

import pytest
from markdown_it import MarkdownIt

from tests.e2e.hostile_input.probing import objects, places, planned, probe, put_state, spy
from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import MOTTO, STAGING

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


async def test_text_of_a_plan_stays_text(scene: Scene) -> None:
    # Given a pull request whose values are Markdown, HTML, mentions and a header of the bot's own,
    world = scene.world
    number, _ = await planned(world, {"terraform/hostile.tf": _HOSTILE})
    [comment] = world.watch(number).comments()
    body = comment.body
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


async def test_code_of_plan_sees_only_its_own_environment_and_files(scene: Scene) -> None:
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
    # (prod's own plans may read prod's states)
    said = [each for heard in world.watch(number).comments() for each in heard.stacks()]
    parts = [each.part for each in said if each.header.get("env") != "prod"]
    assert len(parts) >= 2
    assert [part for part in parts if "word-of-prod" in part] == []
    assert [each for each in said if "word-of-prod" in each.body.split("<details>", 1)[0]] == []
