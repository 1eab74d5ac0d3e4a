"""The base of everything stored."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A mutable record; fields of an older file that are gone are ignored."""

    model_config = ConfigDict(extra="ignore")
