"""Configure a job's state backend by an override file and a credentials profile.

The key pair is never a backend setting, because those are copied into the data directory and the plan file.
It is written to a shared-credentials file under its own profile. For the backend, this profile takes
precedence over every `AWS_*` variable, which stay available to the provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.adapters.terraform.paths import read_regular, write_private
from bot.domain.core.errors import GatewrightError, UnsafeTreeError
from bot.domain.hcl.text import HclValue, hcl_value
from bot.ports import OVERRIDE_FILE, Backend

PROFILE = "gatewright-state"
_OVERRIDE_ENDINGS = tuple(
    f"override.{kind}{json_kind}" for kind in ("tf", "tofu") for json_kind in ("", ".json")
)


def settings(backend: Backend, *, credentials: Path) -> dict[str, HclValue]:
    """Return the settings of the `s3` backend; `credentials` is the file as Terraform sees it."""
    return {
        "bucket": backend.bucket,
        "key": backend.key,
        "region": backend.region,
        "endpoints": {"s3": backend.endpoint_url},
        "profile": PROFILE,
        "shared_credentials_files": [str(credentials)],
        "use_path_style": True,
        "use_lockfile": True,
        "skip_s3_checksum": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
        "skip_requesting_account_id": True,
    }


def override_text(wanted: Mapping[str, HclValue]) -> str:
    """Return the override file that replaces whatever backend the module declares."""
    lines = [f"    {name} = {hcl_value(value)}" for name, value in wanted.items()]
    return "\n".join(["terraform {", '  backend "s3" {', *lines, "  }", "}", ""])


def write_override(module: Path, text: str) -> None:
    """Write the override file.

    UnsafeTreeError when the module holds an override that would beat it.
    """
    later = sorted(path.name for path in module.iterdir() if _beats_ours(path.name))
    if later:
        raise UnsafeTreeError(tuple(f"`{name}` would override Gatewright's own backend" for name in later))
    write_private(module / OVERRIDE_FILE, text)


def _beats_ours(name: str) -> bool:
    is_override = any(name == ending or name.endswith(f"_{ending}") for ending in _OVERRIDE_ENDINGS)
    return is_override and name > OVERRIDE_FILE


def credentials_text(backend: Backend) -> str:
    """Return the shared-credentials file with the one profile."""
    pair = (backend.access_key_id, backend.secret_access_key)
    if any(not value or not value.isprintable() for value in pair):
        raise GatewrightError("the key pair of the state is empty or holds characters that no key has")
    return f"[{PROFILE}]\naws_access_key_id = {pair[0]}\naws_secret_access_key = {pair[1]}\n"


def recorded_backend(data_dir: Path) -> Mapping[str, Any] | None:
    """Return what `terraform init` recorded as the backend in use, None when it is not readable."""
    text = read_regular(data_dir / "terraform.tfstate")
    try:
        record = json.loads(text or "")
    except ValueError:
        return None
    backend = record.get("backend") if isinstance(record, dict) else None
    return backend if isinstance(backend, dict) else None


def is_recorded(data_dir: Path, wanted: Mapping[str, HclValue]) -> bool:
    """Whether exactly these settings are in use."""
    record = recorded_backend(data_dir)
    return record is not None and not _differences(record, wanted)


def verify(data_dir: Path, wanted: Mapping[str, HclValue]) -> None:
    """Raise UnsafeTreeError unless exactly these settings are in use after init."""
    record = recorded_backend(data_dir)
    if record is None:
        raise UnsafeTreeError(("Terraform recorded no backend although Gatewright configures one",))
    differences = _differences(record, wanted)
    if differences:
        raise UnsafeTreeError(
            tuple(f"the backend in use has another `{name}` than Gatewright's" for name in differences)
        )


def _differences(record: Mapping[str, Any], wanted: Mapping[str, HclValue]) -> list[str]:
    if record.get("type") != "s3":
        return ["type"]
    config = record.get("config")
    if not isinstance(config, dict):
        return ["config"]
    return [name for name, value in wanted.items() if _set(config.get(name)) != value]


def _set(value: object) -> object:
    """Remove null values: Terraform records every known endpoint."""
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if item is not None}
    return value
