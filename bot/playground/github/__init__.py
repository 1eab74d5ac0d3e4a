"""A stateful stand-in for GitHub on 127.0.0.1: REST, git, webhooks, OAuth and pages."""

from bot.playground.github.config import StandInConfig
from bot.playground.github.errors import ApiError
from bot.playground.github.limits import SecondaryLimits
from bot.playground.github.standin import StandIn

__all__ = ["ApiError", "SecondaryLimits", "StandIn", "StandInConfig"]
