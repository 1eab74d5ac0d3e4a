"""The settings of local commands, and the credentials of an environment and purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.terraform.cli import TerraformCli
from bot.adapters.terraform.supervision import Limits
from bot.credentials import SettingsCredentials
from bot.domain.core.model import EnvName, Stack
from bot.domain.secrets.redaction import Redactor
from bot.ports import Backend
from bot.services.runs.credentials import Purpose
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
    """The settings and credentials of a local command; GitHub's are not needed."""

    settings: Settings
    secrets: EnvironmentSecrets
    has_own_keys: bool
    """Whether there is a key pair for environments without one of their own."""
    credentials: SettingsCredentials

    def backend(self, stack: Stack, purpose: Purpose) -> Backend:
        """Return the backend of a state; SettingsError where there is no key pair for it."""
        if not self.has_own_keys and self.secrets.state_keys(stack.env, purpose=purpose) is None:
            start = f"{PREFIX}{self.secrets.prefix(stack.env)}{'PLAN_' if purpose == 'plan' else ''}STATE_"
            raise SettingsError(
                f"no credentials to {purpose} {stack.env}: set {start}ACCESS_KEY_ID and"
                f" {start}SECRET_ACCESS_KEY, or {PREFIX}S3_ACCESS_KEY_ID and {PREFIX}S3_SECRET_ACCESS_KEY for all"
                " environments"
            )
        return self.credentials.backend(stack, purpose=purpose)

    def environment(self, env: EnvName, purpose: Purpose) -> dict[str, str]:
        """Return the environment variables for Terraform."""
        return self.credentials.environment(env, purpose=purpose)

    def redactor(self, env: EnvName) -> Redactor:
        """Return a redactor that knows every secret of the settings."""
        return self.credentials.redactor(env)

    def terraform(self) -> TerraformCli:
        """Return the server's adapter without the sandbox."""
        # Developers trust their own checkout; they could also run Terraform in it by hand.
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
    """Return the access that the settings give; SettingsError where one it needs is invalid."""
    reading.require(*_NEEDED)
    return Access(
        settings=reading.settings,
        secrets=reading.secrets,
        has_own_keys=not any(name in reading.wrong for name in _OWN_KEYS),
        credentials=SettingsCredentials(settings=reading.settings, secrets=reading.secrets),
    )


def state_store(backend: Backend) -> S3ObjectStore:
    """Return the bucket of a state, opened with its key pair."""
    return S3ObjectStore(
        endpoint_url=backend.endpoint_url,
        region=backend.region,
        bucket=backend.bucket,
        access_key_id=backend.access_key_id,
        secret_access_key=backend.secret_access_key,
    )
