"""Refuses to plan what already has a state elsewhere."""

from __future__ import annotations

from bot.domain.core.errors import GatewrightError, OtherBackendError
from bot.domain.core.model import Stack
from bot.domain.hcl.module_calls import TERRAFORM_FILES
from bot.local import words
from bot.local.checkout import Checkout
from bot.ports import Backend
from bot.services.planning.existing_states import refuse_other_backend


def refuse_shadowing(checkout: Checkout, stack: Stack, backend: Backend) -> None:
    """Raise GatewrightError where a new state has another backend in the code."""
    module = checkout.root / stack.directory
    try:
        texts = {
            path.name: path.read_text(encoding="utf-8", errors="replace")
            for path in module.iterdir()
            if path.name.endswith(TERRAFORM_FILES) and path.is_file()
        }
    except OSError as error:
        raise GatewrightError(f"cannot read {module}: {error}") from error
    try:
        refuse_other_backend(stack, checkout.policy.engine.name, texts, backend)
    except OtherBackendError as refused:
        raise GatewrightError(words.other_backend(refused)) from refused
