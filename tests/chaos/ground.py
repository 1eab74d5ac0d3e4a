"""The smallest repository that can be planned and applied, and what the bot's database says of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.playground.stack import Playground

FILE = "terraform/main.tf"
Row = dict[str, Any]
_POLICY = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
merge_requires: [staging]
environments:
  staging:
    state_key: "staging/{name}/terraform.tfstate"
    autoplan: true
    apply: {{allow: write}}
"""
_MODULE = """
terraform {{
  backend "s3" {{}}
}}
variable "site_root" {{ type = string }}
variable "site_url" {{ type = string }}
resource "terraform_data" "counted" {{
  triggers_replace = ["{mark}"]
  provisioner "local-exec" {{
    interpreter = ["/bin/sh", "-c"]
    command     = "echo {mark} >> $SITE/marks; sleep 0.{tenths}"
    environment = {{ SITE = var.site_root }}
  }}
}}
"""

RUNNING = """
SELECT r.kind, r.status, r.intent_at IS NOT NULL AS intent FROM runs r
WHERE r.status IN ('queued', 'preparing', 'running')
"""
WAITING = "SELECT name, status FROM workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"


def module(mark: str, tenths: int) -> str:
    """Return the module whose apply appends `mark` to a file, and takes a little while."""
    return _MODULE.format(mark=mark, tenths=tenths)


def name_of(number: int) -> str:
    """Return what the repository of a developer is called."""
    return f"chaos-{number}"


REPOSITORIES = tuple(f"acme/{name_of(number)}" for number in range(100))
"""Whom the bot serves: those of as many developers as a trial may have."""


async def seed(playground: Playground, name: str) -> str:
    """Create a repository with a state of its own, and its people; returns its full name."""
    files = {
        "gatewright.yaml": _POLICY.format(version=playground.engine.version, name=name),
        FILE: module("main", 0),
    }
    repo = f"acme/{name}"
    await playground.github.create_repo(repo, files=files)
    await playground.github.add_personas(repo)
    return repo


def marks(playground: Playground) -> Counter[str]:
    """Return how often each mark was applied."""
    file = playground.directory / "site" / "marks"
    return Counter(file.read_text().split()) if file.exists() else Counter()


def stages(running: list[Row], waiting: list[Row]) -> set[str]:
    """Return what the bot was in the middle of, by the records that it left."""
    found = {_stage(row) for row in running}
    for row in waiting:
        if row["name"] == "handle_delivery":
            found.add("accepted" if row["status"] == "ENQUEUED" else "handling")
        elif row["name"].startswith(("report_", "announce_")):
            found.add("telling")
    return found


def _stage(row: Row) -> str:
    if row["kind"] == "plan":
        return {"queued": "plan queued", "preparing": "checkout"}.get(row["status"], "planning")
    if row["intent"]:
        return "applying"
    return "apply queued" if row["status"] == "queued" else "gates"
