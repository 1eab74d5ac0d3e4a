"""What of the settings a local command needs, and the credentials of an environment and purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.supervision import Limits
from bot.credentials import SettingsCredentials
from bot.domain.model import EnvName, Stack
from bot.domain.redaction import Redactor
from bot.ports import Backend
from bot.services.jobs import Purpose
from bot.settings import PREFIX, EnvironmentSecrets, Reading, Settings, SettingsError

_NEEDED: Final = (
    "s3_endpoint_url",
    "s3_region",
    "state_bucket",
    "terraform_binary",
    "provider_mirror",
    "plan_timeout_seconds",
    "terraform_memory_mib",
    "apply_timeout_seconds",
    "stop_grace_seconds",
    "local_dir",
)
_OWN_KEYS: Final = ("s3_access_key_id", "s3_secret_access_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Hands out what one purpose may have; nothing of GitHub is asked for."""

    settings: Settings
    secrets: EnvironmentSecrets
    has_own_keys: bool
    """Whether the settings name a key pair for environments without one."""
    credentials: SettingsCredentials

    def backend(self, stack: Stack, purpose: Purpose) -> Backend:
        """Return the state's place; SettingsError names the settings where there is no key pair for it."""
        if not self.has_own_keys and self.secrets.state_keys(stack.env, purpose=purpose) is None:
            start = f"{PREFIX}{self.secrets.prefix(stack.env)}{'PLAN_' if purpose == 'plan' else ''}STATE_"
            raise SettingsError(
                f"there are no credentials for the state of {stack.env} to {purpose} it: set {start}ACCESS_KEY_ID and"
                f" {start}SECRET_ACCESS_KEY, or {PREFIX}S3_ACCESS_KEY_ID and {PREFIX}S3_SECRET_ACCESS_KEY for all"
                " environments"
            )
        return self.credentials.backend(stack, purpose=purpose)

    def environment(self, env: EnvName, purpose: Purpose) -> dict[str, str]:
        """Return the variables that Terraform is given."""
        return self.credentials.environment(env, purpose=purpose)

    def redactor(self, env: EnvName) -> Redactor:
        """Return what removes every secret that is known before Terraform has spoken."""
        return self.credentials.redactor(env)

    def terraform(self) -> TerraformCli:
        """Return the bot's own adapter, without the sandbox: whoever works here trusts what lies here."""
        binary = self.settings.terraform_binary
        return TerraformCli(
            binary=(binary,) if binary else None,
            provider_mirror=self.settings.provider_mirror,
            limits=Limits(
                grace=self.settings.stop_grace_seconds,
                memory_bytes=self.settings.terraform_memory_mib << 20,
            ),
        )


def access(reading: Reading) -> Access:
    """Return it; SettingsError lists what is missing or wrong of the few settings that are used here."""
    reading.require(*_NEEDED)
    return Access(
        settings=reading.settings,
        secrets=reading.secrets,
        has_own_keys=not any(name in reading.wrong for name in _OWN_KEYS),
        credentials=SettingsCredentials(settings=reading.settings, secrets=reading.secrets),
    )


def state_store(backend: Backend) -> S3ObjectStore:
    """Return the bucket of a state, as its key pair reaches it."""
    return S3ObjectStore(
        endpoint_url=backend.endpoint_url,
        region=backend.region,
        bucket=backend.bucket,
        access_key_id=backend.access_key_id,
        secret_access_key=backend.secret_access_key,
    )
