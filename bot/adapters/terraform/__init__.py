"""Terraform or OpenTofu as a child process, in a sandbox where there is one."""

from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.engine import embedded_command
from bot.adapters.terraform.sandbox import Sandbox, SandboxError
from bot.adapters.terraform.supervision import Limits

__all__ = ["Limits", "Sandbox", "SandboxError", "TerraformCli", "embedded_command"]
