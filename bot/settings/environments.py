"""The credentials of the environments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from bot.domain.core.model import EnvName
from bot.settings.fields import PREFIX, KeyPair, Settings
from bot.settings.urls import passwords

_STATE_KEY = re.compile(r"_STATE_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)$")
"""End of the names of settings that each environment may have."""
_CREDENTIAL = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|ACCESS_KEY|API_?KEY|_KEY$)", re.IGNORECASE
)
_PUBLIC = re.compile(r"(TF_VAR_|TF_LOG|REGION$|ENDPOINT|_URL$|_HOST$|_PORT$|PROFILE$)")


class EnvironmentSecrets:
    """The credentials of each environment, by prefix, from the process environment and `.env`."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    @staticmethod
    def prefix(env: EnvName) -> str:
        """Return the prefix of an environment's variables: `EU_PROD_` for `eu-prod`."""
        return re.sub(r"[^A-Z0-9]", "_", env.upper()) + "_"

    def credentials(self, env: EnvName, *, purpose: Literal["plan", "apply"]) -> dict[str, str]:
        """Return the variables for Terraform, without prefix; plans and applies share none."""
        own = self.prefix(env)
        plan = own + "PLAN_"
        wanted = plan if purpose == "plan" else own
        return {
            name.removeprefix(wanted): value
            for name, value in self._variables.items()
            if name.startswith(wanted)
            and len(name) > len(wanted)
            and (purpose == "plan" or not name.startswith(plan))
        }

    def state_keys(self, env: EnvName, *, purpose: Literal["plan", "apply"]) -> KeyPair | None:
        """Return the key pair for this environment's states; None where none is set."""
        middle = "PLAN_STATE_" if purpose == "plan" else "STATE_"
        start = PREFIX + self.prefix(env) + middle
        key, secret = (
            self._variables.get(start + "ACCESS_KEY_ID"),
            self._variables.get(start + "SECRET_ACCESS_KEY"),
        )
        return KeyPair(access_key_id=key, secret_access_key=secret) if key and secret else None

    def environments(self) -> tuple[EnvName, ...]:
        """Return the environments with state key pairs of their own."""
        ending = re.compile(rf"^{PREFIX}([A-Z0-9_]+?)_(PLAN_)?STATE_ACCESS_KEY_ID$")
        found = {match[1] for name in self._variables if (match := ending.match(name))}
        return tuple(EnvName(name.lower().replace("_", "-")) for name in sorted(found))

    def environments_with_variables(self) -> tuple[EnvName, ...]:
        """Return the environments with Terraform variables."""
        name = re.compile(r"^([A-Z0-9_]+?)_(PLAN_)?TF_VAR_.")
        found = {match[1] for variable in self._variables if (match := name.match(variable))}
        return tuple(EnvName(each.lower().replace("_", "-")) for each in sorted(found))

    def unknown_settings(self) -> tuple[str, ...]:
        """Return variables with the prefix of settings that are no setting, such as misspelt ones."""
        known = {PREFIX + name.upper() for name in Settings.model_fields}
        ours = (name for name in self._variables if name.upper().startswith(PREFIX))
        return tuple(
            sorted(name for name in ours if name.upper() not in known and not _STATE_KEY.search(name))
        )

    def credential_values(self) -> tuple[str, ...]:
        """Return values of variables named like credentials, and passwords in URLs, for redaction."""
        named = [value for name, value in self._variables.items() if _CREDENTIAL.search(name)]
        inside = [part for value in self._variables.values() for part in passwords(value)]
        return (*named, *inside)

    def given_values(self, env: EnvName) -> tuple[str, ...]:
        """Return the values that this environment's Terraform may get, except plainly public ones."""
        # Terraform variables are public unless the module declares them sensitive, which its plan shows.
        prefix = self.prefix(env)
        names = (name for name in self._variables if name.startswith(prefix) and not _PUBLIC.search(name))
        return tuple(self._variables[name] for name in names)
