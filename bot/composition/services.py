"""The services that answer people and that others are made of, each said once: what it is made of."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bot.composition.outside import Outside
from bot.domain.model import Login
from bot.services.access import Access
from bot.services.checks import Checks
from bot.services.closeouts import Closeouts
from bot.services.deployments import Deployments
from bot.services.ephemeral import Ephemeral
from bot.services.ephemeral_reports import EphemeralReports
from bot.services.existing_states import ExistingStates
from bot.services.gate_facts import GateFacts
from bot.services.jobs import Links
from bot.services.judging import Judging
from bot.services.measuring import Measuring
from bot.services.outdating import Outdating
from bot.services.ownership import Ownership
from bot.services.people import People
from bot.services.plan_comments import PlanComments
from bot.services.policies import Policies
from bot.services.policy_checks import PolicyChecks
from bot.services.posting import Poster
from bot.services.queueing import Queueing
from bot.services.reporting import Reporting
from bot.services.requesting import Requesting
from bot.services.rescues import Rescues
from bot.services.stacks import Trees
from bot.services.state_owners import StateOwners
from bot.services.tenancy import Tenancy

LOGIN: Final = Login("gatewright")
"""The App's own user name."""


@dataclass(frozen=True)
class Services:
    """Each is built when it is first asked for, and once."""

    outside: Outside

    @cached_property
    def links(self) -> Links:
        return Links(origin=self.outside.settings.public_origin)

    @cached_property
    def access(self) -> Access:
        return Access(github=self.outside.github)

    @cached_property
    def owners(self) -> StateOwners:
        o = self.outside
        return StateOwners(records=o.records, clock=o.clock, bucket=o.settings.state_bucket)

    @cached_property
    def existing(self) -> ExistingStates:
        o = self.outside
        return ExistingStates(
            states=o.stored_states, workspace=o.workspace, history=o.workspace, credentials=o.credentials
        )

    @cached_property
    def policies(self) -> Policies:
        o = self.outside
        return Policies(github=o.github, records=o.records, clock=o.clock)

    @cached_property
    def trees(self) -> Trees:
        o = self.outside
        return Trees(github=o.github, workspace=o.workspace)

    @cached_property
    def poster(self) -> Poster:
        o = self.outside
        return Poster(github=o.github, records=o.records)

    @cached_property
    def ownership(self) -> Ownership:
        o = self.outside
        return Ownership(github=o.github, records=o.records, trees=self.trees)

    @cached_property
    def people(self) -> People:
        return People(github=self.outside.github, ownership=self.ownership)

    @cached_property
    def requesting(self) -> Requesting:
        return Requesting(records=self.outside.records, clock=self.outside.clock)

    @cached_property
    def judging(self) -> Judging:
        o = self.outside
        return Judging(
            records=o.records,
            github=o.github,
            policies=self.policies,
            access=self.access,
            states=o.stored_states,
            people=self.people,
            gate_facts=GateFacts(
                github=o.github,
                records=o.records,
                states=o.stored_states,
                trees=self.trees,
                ownership=self.ownership,
            ),
            terraform=o.terraform,
            clock=o.clock,
        )

    @cached_property
    def deployments(self) -> Deployments:
        o = self.outside
        return Deployments(github=o.github, records=o.records, links=self.links)

    @cached_property
    def checks(self) -> Checks:
        o = self.outside
        return Checks(github=o.github, records=o.records)

    @cached_property
    def policy_checks(self) -> PolicyChecks:
        return PolicyChecks(github=self.outside.github, checks=self.checks, trees=self.trees)

    @cached_property
    def plan_comments(self) -> PlanComments:
        o = self.outside
        return PlanComments(
            records=o.records,
            github=o.github,
            policies=self.policies,
            judging=self.judging,
            poster=self.poster,
            links=self.links,
            clock=o.clock,
        )

    @cached_property
    def reporting(self) -> Reporting:
        o = self.outside
        return Reporting(
            records=o.records,
            github=o.github,
            policies=self.policies,
            plan_comments=self.plan_comments,
            poster=self.poster,
            checks=self.checks,
            deployments=self.deployments,
            links=self.links,
            clock=o.clock,
        )

    @cached_property
    def rescues(self) -> Rescues:
        o = self.outside
        return Rescues(
            records=o.records,
            clock=o.clock,
            machine=socket.gethostname(),
            workspace=o.workspace,
            states=o.stored_states,
            credentials=o.credentials,
        )

    @cached_property
    def tenancy(self) -> Tenancy:
        o = self.outside
        return Tenancy(
            records=o.records, github=o.github, poster=self.poster, owners=self.owners, clock=o.clock
        )

    @cached_property
    def ephemeral(self) -> Ephemeral:
        o = self.outside
        return Ephemeral(
            records=o.records, github=o.github, policies=self.policies, tenancy=self.tenancy, clock=o.clock
        )

    @cached_property
    def ephemeral_reports(self) -> EphemeralReports:
        o = self.outside
        return EphemeralReports(records=o.records, github=o.github, policies=self.policies, links=self.links)

    @cached_property
    def closeouts(self) -> Closeouts:
        o = self.outside
        return Closeouts(
            policies=self.policies,
            records=o.records,
            github=o.github,
            poster=self.poster,
            deployments=self.deployments,
            links=self.links,
        )

    @cached_property
    def measuring(self) -> Measuring:
        return Measuring(records=self.outside.records, counters=self.outside.metrics)

    @cached_property
    def outdating(self) -> Outdating:
        o = self.outside
        return Outdating(
            records=o.records,
            github=o.github,
            trees=self.trees,
            plan_comments=self.plan_comments,
            clock=o.clock,
        )

    @cached_property
    def queueing(self) -> Queueing:
        o = self.outside
        return Queueing(github=o.github, records=o.records, trees=self.trees)
