"""The environment of a Terraform process: nothing is inherited from the bot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bot.adapters.terraform.paths import Paths
from bot.domain.core.errors import GatewrightError
from bot.domain.hcl.text import hcl_string

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

FIXED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    # A plan can write into a data directory where there is no sandbox; the state key must not follow it.
    "TF_WORKSPACE": "default",
    "CHECKPOINT_DISABLE": "1",
    # Terraform's own default sends trailer checksums, which some S3 services refuse.
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""The same for every job."""

_REGISTRIES = "TF_TOKEN_"
_FREE_TERRAFORM_NAMES = ("TF_VAR_", _REGISTRIES)
_NETWORK = frozenset(
    {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}
)
"""How the network is reached; every step needs it."""
_GIT = {
    # What an earlier program may have left in HOME must not choose where git sends a token.
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}


def for_init(given: Mapping[str, str], access: Mapping[str, str]) -> dict[str, str]:
    """Return what `init` is given of a stack's variables, with the access to private modules.

    It fetches from addresses that the code chooses, so it has the tokens of registries and no other credentials.
    """
    reached = {
        name: value
        for name, value in given.items()
        if name.startswith(_REGISTRIES) or name.upper() in _NETWORK
    }
    return {**reached, **_GIT, **access}


def for_other_steps(given: Mapping[str, str]) -> dict[str, str]:
    """Return what every step but `init` is given: it runs programs that the code chooses."""
    return {name: value for name, value in given.items() if not name.startswith(_REGISTRIES)}


def terraform_environment(given: Mapping[str, str], *, seen: Paths, engine_directory: Path) -> dict[str, str]:
    """Return the complete environment: the fixed part and the stack's variables.

    GatewrightError if a variable of the stack would change how Terraform itself works.
    """
    fixed = FIXED | {
        "PATH": f"{SEARCH_PATH}:{engine_directory}",
        "HOME": str(seen.home),
        "TF_CLI_CONFIG_FILE": str(seen.cli_config),
        "TF_DATA_DIR": str(seen.data),
    }
    reserved = sorted(name for name in given if name in fixed or _steers_terraform(name))
    if reserved:
        raise GatewrightError(f"a stack's environment may not set {', '.join(reserved)}")
    return dict(given) | fixed


def _steers_terraform(name: str) -> bool:
    return name.startswith("TF_") and not name.startswith(_FREE_TERRAFORM_NAMES)


def cli_config(provider_mirror: Path | None) -> str:
    """Return the text of Terraform's own configuration file.

    With a mirror and no `direct` block every other download of providers is blocked.
    """
    lines = ["disable_checkpoint = true"]
    if provider_mirror is not None:
        lines += [
            "provider_installation {",
            "  filesystem_mirror {",
            f"    path = {hcl_string(str(provider_mirror))}",
            "  }",
            "}",
        ]
    return "\n".join(lines) + "\n"
