"""Git mirrors and the slots in which Terraform works."""

from bot.adapters.workspace.workspace import GitWorkspace

__all__ = ["GitWorkspace"]
