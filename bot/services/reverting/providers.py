"""Whether an older release can still be planned with the providers that it was made with."""

from __future__ import annotations

from typing import Final

from bot.domain.core.errors import ProvidersChangedError, TerraformError
from bot.domain.core.model import PlanId

LOCK_FILE: Final = ".terraform.lock.hcl"


def refuse_other_providers(release: PlanId, *, kept: str | None, now: str | None) -> None:
    """Raise ProvidersChangedError where `init` left another lock file than the release's."""
    if kept != now:
        raise ProvidersChangedError(
            f"Release {release} was made with other providers than this machine installs: its {LOCK_FILE} is not"
            " what `init` has left."
        )


def refuse_missing_providers(release: PlanId, *, kept: str | None, error: TerraformError) -> None:
    """Raise ProvidersChangedError where `init` cannot install the release's providers.

    That file is only read then; every title with which Terraform and OpenTofu refuse it speaks of providers.
    """
    title = str(error).split("\n", 1)[0]
    if kept is not None and "init failed: " in title and "provider" in title.lower():
        raise ProvidersChangedError(
            f"The providers that release {release} was made with, as its {LOCK_FILE} names them, cannot be installed"
            f" on this machine ({title})."
        ) from error
