"""The settings: the only reader of the process environment and of `.env`.

Every name has the prefix `GATEWRIGHT_`, except the credentials of an environment's Terraform (`STAGING_*` for its
applies, `STAGING_PLAN_*` for its plans), which have the environment's prefix alone.
"""

from bot.settings.environments import EnvironmentSecrets
from bot.settings.fields import PREFIX, KeyPair, Settings, SettingsError
from bot.settings.reading import Reading, load, read

__all__ = [
    "PREFIX",
    "EnvironmentSecrets",
    "KeyPair",
    "Reading",
    "Settings",
    "SettingsError",
    "load",
    "read",
]
