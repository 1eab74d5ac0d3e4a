"""Shell commands that copy a state to the place where it is stored."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Final

CHECKSUMS: Final = (
    "export AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The place of a state."""

    bucket: str
    key: str
    region: str
    endpoint: str


def backend_lines(kept: Kept) -> list[str]:
    """Return the same backend settings as Gatewright uses, without credentials."""
    values: dict[str, object] = {
        "bucket": kept.bucket,
        "key": kept.key,
        "region": kept.region,
        "use_path_style": True,
        "use_lockfile": True,
        "skip_s3_checksum": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
        "skip_requesting_account_id": True,
    }
    lines = [f"    {name} = {json.dumps(value)}" for name, value in values.items()]
    endpoint = f"    endpoints = {{ s3 = {json.dumps(kept.endpoint)} }}"
    return ["terraform {", '  backend "s3" {', *lines, endpoint, "  }", "}"]


def copy_commands(kept: Kept, *, directory: str, engine: str) -> str:
    """Return the commands that copy a root module's state, run in the checkout's root."""
    return "\n".join(
        [
            "# At the root of a checkout of this branch, with credentials of the place that the code names:",
            f"cd {shlex.quote(directory)}",
            f"{engine} init -input=false",
            'copied="$(mktemp -d)/copied.tfstate"',
            f'{engine} state pull > "$copied"',
            "# From here on with a key pair that may write the state that Gatewright keeps:",
            'cd "$(mktemp -d)"',
            "cat > backend.tf <<'EOF'",
            *backend_lines(kept),
            "EOF",
            CHECKSUMS,
            f"{engine} init -input=false",
            f'{engine} state push "$copied"',
        ]
    )
