"""Write `gatewright.env.example` from the settings: `python -m tests.docs.env_example`."""

from __future__ import annotations

import sys
import textwrap
from typing import Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.settings import PREFIX, Settings
from tests.docs.generate import shown

_HEAD: Final = """\
# Every setting of Gatewright. Copy this file to `.env`, or pass it to `docker run --env-file`.
# Settings without a value are required; the others show their default. docs/settings.md has the same list.
"""
_ENVIRONMENTS: Final = """\
# For each environment, here `staging`: what Terraform gets, without the prefix. Nothing else reaches it.
# Applies of staging, and plans of staging (give plans keys that can only read):
#STAGING_AWS_ACCESS_KEY_ID=
#STAGING_AWS_SECRET_ACCESS_KEY=
#STAGING_PLAN_AWS_ACCESS_KEY_ID=
#STAGING_PLAN_AWS_SECRET_ACCESS_KEY=

# Key pairs for the state bucket: applies read and write, plans only read. Default: the bot's own key pair.
#GATEWRIGHT_STAGING_STATE_ACCESS_KEY_ID=
#GATEWRIGHT_STAGING_STATE_SECRET_ACCESS_KEY=
#GATEWRIGHT_STAGING_PLAN_STATE_ACCESS_KEY_ID=
#GATEWRIGHT_STAGING_PLAN_STATE_SECRET_ACCESS_KEY=
"""
_WIDTH: Final = 110


def example() -> str:
    """Return the file's text."""
    settings = [_entry(name, field) for name, field in Settings.model_fields.items()]
    return "\n".join((_HEAD, *settings, _ENVIRONMENTS))


def _entry(name: str, field: FieldInfo) -> str:
    comment = textwrap.fill(
        field.description or "", _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    value = field.default
    if value is PydanticUndefined:
        return f"{comment}\n{PREFIX}{name.upper()}=\n"
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    default = "" if plain in (None, "", ()) else shown(plain)
    return f"{comment}\n#{PREFIX}{name.upper()}={default}\n"


if __name__ == "__main__":
    sys.stdout.write(example())
