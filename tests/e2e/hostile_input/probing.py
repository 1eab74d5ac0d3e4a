"""Code of a pull request that looks for what it must not see."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.world import World, state_client


async def planned(
    world: World, changes: dict[str, str | None], *, status: str = "planned"
) -> tuple[int, str]:
    """Have a pull request planned; returns its number and what its comment says of staging."""
    number = await world.open(changes)
    plan = await world.hear(number, kind="plan", env="staging", status=status)
    await world.told(number)
    return number, plan.part


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


def stored(world: World) -> list[str]:
    name = world.repo.partition("/")[2]
    with state_client(world.playground) as client:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=world.playground.s3.artifact_bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return [key for key in keys if key.startswith("plans/") and f"/{name}/" in key]
