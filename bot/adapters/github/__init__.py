"""The `GitHub` port, implemented with GitHub's REST and GraphQL API."""

from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options, Waits

__all__ = ["GitHubApp", "Options", "Waits"]
