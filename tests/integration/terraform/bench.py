"""A slot on disk with a module in it, and the jobs that run there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.adapters.terraform import TerraformCli
from bot.domain.core.model import StateKey
from bot.ports import ApplyOutput, Backend, Engine, PlanMode, PlanOutput, Slot, TerraformJob
from tests.integration.terraform.state_server import ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY

ENGINE = Engine(name="terraform", version="1.11.4")
STATE_KEY = "staging/terraform.tfstate"
SECRET = "pass-word-of-the-database"

ONE_RESOURCE = """
variable "size" {
  type    = number
  default = 1
}
resource "terraform_data" "one" {
  input = var.size
}
output "size" {
  value = terraform_data.one.output
}
"""


async def nobody() -> str | None:
    return None


@dataclass
class Bench:
    """One stack on one machine, empty at first."""

    root: Path
    endpoint_url: str
    terraform: TerraformCli
    lines: list[str] = field(default_factory=list)

    @property
    def slot(self) -> Slot:
        places = {name: self.root / name for name in ("tree", "data", "scratch")}
        for place in places.values():
            place.mkdir(parents=True, exist_ok=True)
        return Slot(
            name="slot-1",
            tree=places["tree"],
            data_dir=places["data"],
            scratch=places["scratch"],
            lock_fd=-1,
        )

    def write(self, files: Mapping[str, str]) -> None:
        """Write files into the tree; names are relative to it."""
        for name, text in files.items():
            path = self.slot.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def job(self, **changes: Any) -> TerraformJob:
        values: dict[str, Any] = {
            "slot": self.slot,
            "directory": "terraform",
            "var_file": None,
            "engine": ENGINE,
            "backend": Backend(
                endpoint_url=self.endpoint_url,
                region="auto",
                bucket=BUCKET,
                key=StateKey(STATE_KEY),
                access_key_id=ACCESS_KEY_ID,
                secret_access_key=SECRET_ACCESS_KEY,
            ),
            "environment": {},
            "redact": lambda text: text.replace(SECRET, "***"),
            "timeout": 120.0,
            "on_line": self.lines.append,
            "stop": nobody,
        }
        return TerraformJob(**(values | changes))

    async def plan(
        self, arguments: Sequence[str] = (), *, mode: PlanMode = PlanMode.NORMAL, **changes: Any
    ) -> PlanOutput:
        return await self.terraform.plan(self.job(**changes), arguments, mode=mode)

    async def apply(self, plan: PlanOutput, **changes: Any) -> ApplyOutput:
        job = self.job(**({"dies_with_parent": False} | changes))
        return await self.terraform.apply(job, plan.plan_file, plan.code)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)


def is_running(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}


def processes_naming(text: str) -> list[int]:
    """Return the pids of other processes in whose command line the text stands."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in command:
                found.append(int(entry.name))
    return found
