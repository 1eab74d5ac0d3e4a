"""A policy whose gate reads the checks of a commit."""

from __future__ import annotations

from bot.policy import load_policy

CHECKED_POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  ci: {state_key: ci/terraform.tfstate}
  staging: {state_key: staging/terraform.tfstate, apply: {allow: write}}
  prod: {state_key: prod/terraform.tfstate}
merge_requires: [staging, prod]
""")
