"""No property test here has a time limit of its own: a loaded machine is not a wrong comment."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("comments", deadline=None)
settings.load_profile("comments")
