"""A stateful stand-in for GitHub: REST, git over HTTP, signed webhooks, OAuth and pages, on 127.0.0.1."""

from bot.playground.github.config import StandInConfig
from bot.playground.github.errors import ApiError
from bot.playground.github.limits import SecondaryLimits
from bot.playground.github.standin import StandIn

__all__ = ["ApiError", "SecondaryLimits", "StandIn", "StandInConfig"]
