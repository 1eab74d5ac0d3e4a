"""Secrets of environments, handed out by environment and purpose and never otherwise."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from bot.domain.git_access import basic, module_access
from bot.domain.model import EnvName, Stack
from bot.domain.redaction import Redactor
from bot.ports import Backend, GitHub
from bot.services.jobs import ModuleAccess, Purpose
from bot.settings import EnvironmentSecrets, Settings

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCredentials:
    """Implements `bot.services.jobs.Credentials` on the settings."""

    settings: Settings
    secrets: EnvironmentSecrets = field(repr=False)
    github: GitHub | None = field(default=None, repr=False)
    """Who gives tokens for private modules; None where there is no App, as on a developer's machine."""
    _warned: set[tuple[EnvName, Purpose]] = field(default_factory=set)
    _redactors: dict[EnvName, Redactor] = field(default_factory=dict, repr=False)

    def environment(self, env: EnvName, *, purpose: Purpose) -> dict[str, str]:
        """Variables for this environment's Terraform and this purpose, prefix removed."""
        return self.secrets.credentials(env, purpose=purpose)

    def setting(self, env: EnvName, name: str, *, purpose: Purpose) -> str:
        """The name of the setting that gives such a variable."""
        return f"{self.secrets.prefix(env)}{'PLAN_' if purpose == 'plan' else ''}{name}"

    async def module_access(self, full_name: str) -> ModuleAccess:
        """The way to those listed repositories that belong to the same owner; nothing where none is listed."""
        owner = full_name.partition("/")[0].lower()
        listed = (name.split("/") for name in self.settings.module_repositories)
        names = [name for other, name in listed if other.lower() == owner]
        if self.github is None or not names:
            return ModuleAccess()
        token = await self.github.module_token(await self.github.known_repository(full_name), names)
        return ModuleAccess(
            environment=module_access(self.settings.web_origin, token), secrets=(token, basic(token))
        )

    def backend(self, stack: Stack, *, purpose: Purpose) -> Backend:
        """The state's place; falls back to the bot's own keys with one warning per environment and purpose."""
        pair = self.secrets.state_keys(stack.env, purpose=purpose)
        if pair is None:
            if (stack.env, purpose) not in self._warned:
                self._warned.add((stack.env, purpose))
                _LOG.warning("no own state credentials for %s of %s: using the bot's", purpose, stack.env)
            pair = self.settings.bot_keys
        return Backend(
            endpoint_url=self.settings.s3_endpoint_url,
            region=self.settings.s3_region,
            bucket=self.settings.state_bucket,
            key=stack.state_key,
            access_key_id=pair.access_key_id,
            secret_access_key=pair.secret_access_key,
        )

    def redactor(self, env: EnvName) -> Redactor:
        """Removes the bot's own secrets, whatever looks like a credential, and all that `env`'s Terraform is given."""
        known = self._redactors.get(env)
        if known is None:
            # The settings do not change while the process runs, and working out all forms of a secret takes time.
            known = self._redactors[env] = Redactor(
                (*self.settings.secrets(), *self.secrets.credential_values(), *self.secrets.given_values(env))
            )
        return known
