from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """One mapping of the policy file; unknown keys are errors, and values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=False
    )
