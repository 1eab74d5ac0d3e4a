"""The module that both sides plan: `terraform_data` only, so that nothing but Terraform and the bot is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

_NAMES = tuple(f"bench-{number:03}" for number in range(500))
REPOSITORIES = (*(f"acme/{name}" for name in _NAMES), "acme/none", "acme/counted")
"""Whom the bot serves."""
fresh_names = iter(_NAMES)
"""Names that no module has yet."""
ENV = "ci"
VAR_FILE = f"envs/{ENV}.tfvars"

_POLICY = """\
version: 1
terraform: {{engine: terraform, version: "{version}"}}
projects:
  - {{name: default, dir: terraform}}
environments:
  {env}:
    state_key: {env}/{name}/terraform.tfstate
    var_file: {var_file}
    autoplan: true
"""
_MAIN = """\
terraform {
  backend "s3" {}
}

variable "generation" {
  type = number
}

output "generation" {
  value = var.generation
}
"""
_COUNTED = """
resource "terraform_data" "item" {{
  count = {size}
  input = "${{var.generation}}-${{count.index}}"
}}
"""
_BLOCK = """
resource "terraform_data" "item_{index}" {{
  input = "${{var.generation}}-{index}"
}}
"""
Shape = Literal["count", "blocks"]
"""One block that stands for all resources, or a block for each: the second costs Terraform about twice as much."""
SHAPES: tuple[Shape, ...] = get_args(Shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One repository of the benchmark."""

    name: str
    size: int
    """Resources."""
    version: str
    """Of Terraform."""
    shape: Shape = "count"
    state_key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "state_key", f"{ENV}/{self.name}/terraform.tfstate")

    @property
    def repo(self) -> str:
        return f"acme/{self.name}"

    def files(self) -> dict[str, str]:
        """Return path -> text of the default branch."""
        policy = _POLICY.format(version=self.version, env=ENV, name=self.name, var_file=VAR_FILE)
        return {
            "gatewright.yaml": policy,
            "terraform/main.tf": _MAIN + self._resources(),
            VAR_FILE: variables(0),
        }

    def _resources(self) -> str:
        if self.shape == "count":
            return _COUNTED.format(size=self.size)
        return "".join(_BLOCK.format(index=index) for index in range(self.size))


def variables(generation: int) -> str:
    """Return the var file's text; another generation changes every resource."""
    return f"generation = {generation}\n"
