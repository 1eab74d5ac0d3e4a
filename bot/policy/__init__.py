"""`gatewright.yaml`: the environments of a repository, in order, and what it allows there."""

from bot.policy.environment import ApplyPolicy, EnvironmentPolicy
from bot.policy.load import json_schema, load_policy
from bot.policy.refreshes import DataRefresh
from bot.policy.repo import RepoPolicy

__all__ = ["ApplyPolicy", "DataRefresh", "EnvironmentPolicy", "RepoPolicy", "json_schema", "load_policy"]
