"""The module that both sides plan: `terraform_data` only, so that nothing but Terraform and the bot is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

_NAMES = tuple(f"bench-{number:03}" for number in range(500))
REPOSITORIES = (*(f"{name}/infra" for name in _NAMES), "acme/none", "acme/counted")
"""Whom the bot serves; each owner is an installation of its own, with GitHub's limits of its own."""
fresh_names = iter(_NAMES)
"""Names that no module has yet."""
ENV = "ci"


def var_file(env: str = ENV) -> str:
    """Return where the variables of an environment are."""
    return f"envs/{env}.tfvars"


VAR_FILE = var_file()
_POLICY = """\
version: 1
terraform: {{engine: terraform, version: "{version}"}}
projects:
  - {{name: default, dir: terraform}}
environments:
"""
_ENVIRONMENT = """\
  {env}:
    state_key: {key}
    var_file: {var_file}
    autoplan: true
"""
_APPLY = "    apply: {allow: write}\n"
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
    envs: tuple[str, ...] = (ENV,)
    is_applied: bool = False
    owner: str = ""
    """Its name unless there is one."""

    @property
    def repo(self) -> str:
        return f"{self.owner}/{self.name}" if self.owner else f"{self.name}/infra"

    def state_key(self, env: str = ENV) -> str:
        """Return the key of an environment's state."""
        return f"{env}/{self.name}/terraform.tfstate"

    def files(self) -> dict[str, str]:
        """Return path -> text of the default branch."""
        environments = (
            _ENVIRONMENT.format(env=env, key=self.state_key(env), var_file=var_file(env))
            + (_APPLY if self.is_applied else "")
            for env in self.envs
        )
        return {
            "gatewright.yaml": _POLICY.format(version=self.version) + "".join(environments),
            "terraform/main.tf": _MAIN + self._resources(),
            **self.changes(0),
        }

    def changes(self, generation: int) -> dict[str, str]:
        """Return path -> text of a change of every resource in every environment."""
        return {var_file(env): variables(generation) for env in self.envs}

    def _resources(self) -> str:
        if self.shape == "count":
            return _COUNTED.format(size=self.size)
        return "".join(_BLOCK.format(index=index) for index in range(self.size))


def variables(generation: int) -> str:
    """Return the var file's text; another generation changes every resource."""
    return f"generation = {generation}\n"
