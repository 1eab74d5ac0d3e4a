"""The port for the secrets of environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.domain.core.model import EnvName, Stack
from bot.domain.secrets.redaction import Redactor
from bot.ports import Backend

Purpose = Literal["plan", "apply"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleAccess:
    """What `init` needs to fetch private modules."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Credentials(Protocol):
    """Provides the secrets of environments."""

    def environment(self, env: EnvName, *, purpose: Purpose) -> dict[str, str]:
        """Variables for this environment's Terraform and this purpose, prefix removed."""
        ...

    def setting(self, env: EnvName, name: str, *, purpose: Purpose) -> str:
        """The name of the setting that gives such a variable."""
        ...

    async def module_access(self, full_name: str) -> ModuleAccess:
        """The way to the private modules that code of a repository may call; it is for `init` alone."""
        ...

    def backend(self, stack: Stack, *, purpose: Purpose) -> Backend:
        """The state's place with the narrowest key pair that the operator configured."""
        ...

    def redactor(self, env: EnvName) -> Redactor:
        """Removes every secret value that is known before Terraform has spoken."""
        ...
