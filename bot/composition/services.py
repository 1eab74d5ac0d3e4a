"""Wire the services that answer people, and those that other services use."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cached_property

from bot.composition.adapters import Adapters
from bot.services.access.capacities import People
from bot.services.access.code_owners import Ownership
from bot.services.access.permissions import Access
from bot.services.access.pushes import PushRecords
from bot.services.environments.ephemeral import Ephemeral
from bot.services.environments.ephemeral_reports import EphemeralReports
from bot.services.environments.leases import EnvironmentLeases
from bot.services.gates.facts import GateFacts
from bot.services.gates.judging import Judging
from bot.services.merging.closeouts import Closeouts
from bot.services.merging.merge_queue_checks import MergeQueueChecks
from bot.services.merging.policy_checks import PolicyChecks
from bot.services.planning.base_pushes import BasePushes
from bot.services.planning.existing_states import ExistingStates
from bot.services.recovery.errored_states import ErroredStates
from bot.services.reporting.apply_reports import ApplyReports
from bot.services.reporting.check_runs import CheckRuns
from bot.services.reporting.check_turns import CheckTurns
from bot.services.reporting.deployments import Deployments
from bot.services.reporting.head_checks import Checks
from bot.services.reporting.plan_comments import PlanComments, plan_comments
from bot.services.reporting.plan_facts import PlanFacts
from bot.services.reporting.posting import Poster
from bot.services.reporting.reports import Reporting
from bot.services.reporting.statuses import Statuses
from bot.services.runs.links import Links
from bot.services.runs.measuring import Measuring
from bot.services.runs.requests import RunRequests
from bot.services.stacks.policies import Policies
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.touched import Trees


@dataclass(frozen=True)
class Services:
    """Each service is built once, on first use."""

    adapters: Adapters

    @cached_property
    def links(self) -> Links:
        return Links(origin=self.adapters.settings.public_origin)

    @cached_property
    def access(self) -> Access:
        return Access(github=self.adapters.github)

    @cached_property
    def owners(self) -> StateOwners:
        adapters = self.adapters
        return StateOwners(
            records=adapters.records, clock=adapters.clock, bucket=adapters.settings.state_bucket
        )

    @cached_property
    def existing(self) -> ExistingStates:
        adapters = self.adapters
        return ExistingStates(
            states=adapters.stored_states,
            workspace=adapters.workspace,
            history=adapters.workspace,
            credentials=adapters.credentials,
        )

    @cached_property
    def policies(self) -> Policies:
        adapters = self.adapters
        return Policies(github=adapters.github, records=adapters.records, clock=adapters.clock)

    @cached_property
    def trees(self) -> Trees:
        adapters = self.adapters
        return Trees(github=adapters.github, workspace=adapters.workspace)

    @cached_property
    def poster(self) -> Poster:
        adapters = self.adapters
        return Poster(github=adapters.github, records=adapters.records)

    @cached_property
    def ownership(self) -> Ownership:
        adapters = self.adapters
        return Ownership(
            github=adapters.github, records=adapters.records, trees=self.trees, pushes=self.pushes
        )

    @cached_property
    def pushes(self) -> PushRecords:
        adapters = self.adapters
        return PushRecords(
            records=adapters.records, github=adapters.github, history=adapters.workspace, clock=adapters.clock
        )

    @cached_property
    def people(self) -> People:
        return People(github=self.adapters.github, ownership=self.ownership)

    @cached_property
    def run_requests(self) -> RunRequests:
        return RunRequests(records=self.adapters.records, clock=self.adapters.clock)

    @cached_property
    def judging(self) -> Judging:
        adapters = self.adapters
        return Judging(
            records=adapters.records,
            github=adapters.github,
            policies=self.policies,
            access=self.access,
            states=adapters.stored_states,
            people=self.people,
            gate_facts=GateFacts(
                github=adapters.github,
                records=adapters.records,
                states=adapters.stored_states,
                trees=self.trees,
                ownership=self.ownership,
            ),
            terraform=adapters.terraform,
            clock=adapters.clock,
        )

    @cached_property
    def deployments(self) -> Deployments:
        adapters = self.adapters
        return Deployments(github=adapters.github, records=adapters.records, links=self.links)

    @cached_property
    def statuses(self) -> Statuses:
        adapters = self.adapters
        return Statuses(
            records=adapters.records,
            github=adapters.github,
            policies=self.policies,
            checks=self.checks,
            deployments=self.deployments,
            serves=adapters.admission.serves,
        )

    @cached_property
    def checks(self) -> Checks:
        adapters = self.adapters
        return Checks(records=adapters.records, runs=self.check_runs, links=self.links)

    @cached_property
    def check_runs(self) -> CheckRuns:
        adapters = self.adapters
        turns = CheckTurns(
            records=adapters.records, clock=adapters.clock, is_shared=adapters.records.is_shared
        )
        return CheckRuns(github=adapters.github, records=adapters.records, clock=adapters.clock, turns=turns)

    @cached_property
    def policy_checks(self) -> PolicyChecks:
        return PolicyChecks(github=self.adapters.github, checks=self.checks, trees=self.trees)

    @cached_property
    def plan_comments(self) -> PlanComments:
        adapters = self.adapters
        return plan_comments(
            PlanFacts(
                records=adapters.records,
                github=adapters.github,
                policies=self.policies,
                judging=self.judging,
            ),
            poster=self.poster,
            links=self.links,
            clock=adapters.clock,
        )

    @cached_property
    def apply_reports(self) -> ApplyReports:
        return ApplyReports(
            records=self.adapters.records, policies=self.policies, poster=self.poster, links=self.links
        )

    @cached_property
    def reporting(self) -> Reporting:
        adapters = self.adapters
        return Reporting(
            records=adapters.records,
            github=adapters.github,
            policies=self.policies,
            plan_comments=self.plan_comments,
            applies=self.apply_reports,
            poster=self.poster,
            checks=self.checks,
            statuses=self.statuses,
            links=self.links,
            clock=adapters.clock,
        )

    @cached_property
    def errored_states(self) -> ErroredStates:
        adapters = self.adapters
        return ErroredStates(
            records=adapters.records,
            clock=adapters.clock,
            machine=socket.gethostname(),
            workspace=adapters.workspace,
            states=adapters.stored_states,
            credentials=adapters.credentials,
        )

    @cached_property
    def leases(self) -> EnvironmentLeases:
        adapters = self.adapters
        return EnvironmentLeases(
            records=adapters.records,
            github=adapters.github,
            poster=self.poster,
            owners=self.owners,
            clock=adapters.clock,
        )

    @cached_property
    def ephemeral(self) -> Ephemeral:
        adapters = self.adapters
        return Ephemeral(
            records=adapters.records,
            github=adapters.github,
            policies=self.policies,
            leases=self.leases,
            clock=adapters.clock,
        )

    @cached_property
    def ephemeral_reports(self) -> EphemeralReports:
        adapters = self.adapters
        return EphemeralReports(
            records=adapters.records,
            github=adapters.github,
            policies=self.policies,
            links=self.links,
            checks=self.check_runs,
        )

    @cached_property
    def closeouts(self) -> Closeouts:
        adapters = self.adapters
        return Closeouts(
            policies=self.policies,
            records=adapters.records,
            github=adapters.github,
            poster=self.poster,
            statuses=self.statuses,
            links=self.links,
        )

    @cached_property
    def measuring(self) -> Measuring:
        return Measuring(records=self.adapters.records, counters=self.adapters.metrics)

    @cached_property
    def base_pushes(self) -> BasePushes:
        adapters = self.adapters
        return BasePushes(
            records=adapters.records,
            github=adapters.github,
            trees=self.trees,
            plan_comments=self.plan_comments,
            clock=adapters.clock,
        )

    @cached_property
    def merge_queue_checks(self) -> MergeQueueChecks:
        adapters = self.adapters
        return MergeQueueChecks(
            records=adapters.records, trees=self.trees, checks=self.check_runs, links=self.links
        )
