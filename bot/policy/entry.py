from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """One mapping of the policy file: nothing unknown is let in, nothing changes afterwards."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=False
    )
