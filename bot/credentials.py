"""Secrets of environments, handed out only by environment and purpose."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from bot.domain.core.git_access import basic, module_access
from bot.domain.core.model import EnvName, Stack
from bot.domain.secrets.redaction import Redactor
from bot.ports import Backend, GitHub
from bot.services.runs.credentials import ModuleAccess, Purpose
from bot.settings import EnvironmentSecrets, Settings

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCredentials:
    """Implements `bot.services.runs.credentials.Credentials` with the settings."""

    settings: Settings
    secrets: EnvironmentSecrets = field(repr=False)
    github: GitHub | None = field(default=None, repr=False)
    """Source of tokens for private modules; None without an App, as on a developer's machine."""
    _warned: set[tuple[EnvName, Purpose]] = field(default_factory=set)
    _redactors: dict[EnvName, Redactor] = field(default_factory=dict, repr=False)

    def environment(self, env: EnvName, *, purpose: Purpose) -> dict[str, str]:
        """Return the variables for an environment's Terraform and purpose, without their prefix."""
        return self.secrets.credentials(env, purpose=purpose)

    def setting(self, env: EnvName, name: str, *, purpose: Purpose) -> str:
        """Return the name of the setting for such a variable."""
        return f"{self.secrets.prefix(env)}{'PLAN_' if purpose == 'plan' else ''}{name}"

    async def module_access(self, full_name: str) -> ModuleAccess:
        """Return access to the listed module repositories of the same owner; empty without any."""
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
        """Return the state's backend; without keys of its own it uses the bot's and warns once."""
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
        """Return a redactor for the bot's secrets, credential-like settings and `env`'s variables."""
        known = self._redactors.get(env)
        if known is None:
            # The settings do not change while the process runs, and working out all forms of a secret takes time.
            known = self._redactors[env] = Redactor(
                (*self.settings.secrets(), *self.secrets.credential_values(), *self.secrets.given_values(env))
            )
        return known
