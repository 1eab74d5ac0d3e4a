"""List what is promised about security, where it is kept, and the tests that try to break it.

`docs/security.md` is made from these tables; a test checks that every named test exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.docs.generate import table

_CODEOWNERS: Final = "tests/e2e/approvals/test_approvals.py"
_ATTACKS: Final = "tests/e2e/approvals/test_attacks.py"
_PUSHED: Final = "tests/e2e/approvals/test_who_pushed.py"
_LINEAGE: Final = "tests/integration/workspace/test_lineage.py"
_TEAMS: Final = "tests/unit/services/test_teams.py"
_OPERATIONS: Final = "tests/integration/services/access/test_approvals_of_operations.py"
_PROMOTION: Final = "tests/e2e/promotion/test_promotion.py"
_COMMIT_CHECKS: Final = "tests/integration/github/test_commit_checks.py"
_COMMANDS: Final = "tests/e2e/hostile_input/test_commands.py"
_PRYING: Final = "tests/e2e/hostile_input/test_prying.py"
_HOSTILE: Final = "tests/e2e/hostile_input/test_hostile_code.py"
_COMPUTED: Final = "tests/e2e/hostile_input/test_computed_paths.py"
_TREES: Final = "tests/e2e/hostile_input/test_hostile_trees.py"
_PROGRAMS: Final = "tests/e2e/plan_inputs/test_programs_at_plan_time.py"
_INPUTS: Final = "tests/e2e/plan_inputs/test_variables.py"
_MODULES: Final = "tests/e2e/plan_inputs/test_modules.py"
_UNPLANNABLE: Final = "tests/e2e/environments/test_unplannable_trees.py"
_UNFETCHED: Final = "tests/integration/workspace/test_unplannable_trees.py"
_RENAMES: Final = "tests/e2e/access/test_renames.py"
_WHOSE: Final = "tests/e2e/access/test_whose.py"
_EXISTING: Final = "tests/e2e/state/test_existing_states.py"
_SERVED: Final = "tests/e2e/crash/test_who_is_served.py"
_REPOSITORIES: Final = "tests/integration/services/stacks/test_repositories.py"
_PLANS: Final = "tests/integration/terraform/test_hostile_plans.py"
_FETCHED: Final = "tests/integration/terraform/test_fetched.py"
_LEFT: Final = "tests/integration/workspace/test_left_behind.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack, its result, and the tests (`file::function`) that try it."""

    tries: str
    ends: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promise, the modules that keep it, and the tests (`file::function`) that check it."""

    promise: str
    kept_in: tuple[str, ...]
    tests: tuple[str, ...]


ATTACKS: Final = (
    Attack(
        tries="write into Terraform's output or memory from a program that it starts",
        ends="the engine's process is closed to it",
        tests=(f"{_PROGRAMS}::test_an_engine_cannot_be_looked_into_by_what_it_starts",),
    ),
    Attack(
        tries="install the App on another repository to get an environment's credentials",
        ends="a repository that the operator has not listed is ignored, without a comment and without a request to GitHub",
        tests=(
            f"{_WHOSE}::test_a_repository_that_is_not_listed_is_ignored_in_silence",
            f"{_SERVED}::test_nothing_missed_is_looked_for_of_who_is_not_listed",
            "tests/integration/github/test_tokens.py::test_nothing_is_asked_of_github_for_unlisted_repositories",
        ),
    ),
    Attack(
        tries="create a new repository under the name of one that is served",
        ends="a name is bound to GitHub's id; the new one is ignored until its id is listed, and gets no state of the old one",
        tests=(
            f"{_SERVED}::test_new_repository_of_a_listed_name_needs_its_id_listed",
            f"{_REPOSITORIES}::test_another_repository_of_the_name_needs_its_id_listed",
        ),
    ),
    Attack(
        tries="plan, read or destroy another repository's state with a policy that leads to the same key",
        ends="`state_owner`: a state belongs to the repository, project and environment that used it first",
        tests=(
            f"{_WHOSE}::test_a_second_repository_never_gets_the_state_of_the_first",
            f"{_WHOSE}::test_another_repository_does_not_queue_for_a_shared_environment",
            f"{_REPOSITORIES}::test_another_stack_of_the_same_repository_is_refused_too",
        ),
    ),
    Attack(
        tries="create everything a second time with code that declares another backend",
        ends="`other_backend`: it is not planned while there is no state, and the refusal shows how to copy it",
        tests=(
            f"{_EXISTING}::test_what_exists_elsewhere_is_taken_over_by_the_printed_commands",
            f"{_EXISTING}::test_a_new_state_is_planned_once_the_block_is_gone",
            "tests/unit/domain/hcl/test_declared_backends.py::test_what_contradicts_is_found",
        ),
    ),
    Attack(
        tries="make `gatewright/apply` green with a second, draft pull request of the same commit",
        ends="the check is green only if a plan of everything that the commit touches was requested",
        tests=(
            "tests/e2e/planning/test_plan_on_push.py::test_a_draft_is_planned_when_it_is_ready",
            "tests/integration/services/reporting/test_checks_of_a_commit.py::test_a_commit_that_has_not_planned_itself_is_not_green",
        ),
    ),
    Attack(
        tries="break the policy, then merge other changes with the neutral checks of its repair",
        ends="the checks are neutral only if the policy in force is invalid, the pull request makes it valid, git finds no other changed file, and it is not from a fork",
        tests=(
            "tests/e2e/merging/test_policy_checks.py::test_a_repair_that_changes_more_gets_no_neutral_checks",
            "tests/e2e/merging/test_policy_checks.py::test_another_broken_policy_repairs_nothing",
            "tests/e2e/merging/test_policy_checks.py::test_a_repair_from_a_fork_gets_no_neutral_checks",
        ),
    ),
    Attack(
        tries="count as two people after a rename: confirm one's own `/override`, or approve one's own push",
        ends="accounts are compared by GitHub's id; a record without an id excludes by login and confirms nothing",
        tests=(
            f"{_RENAMES}::test_one_owner_who_renames_opens_no_gate_alone",
            "tests/unit/domain/gates/test_approvals.py::test_what_is_no_approval_of_this_plan",
            "tests/integration/database/test_account_ids.py::test_rows_of_the_version_before_have_logins_and_no_ids",
        ),
    ),
    Attack(
        tries="take the former login of a renamed account to get its runs, locks, permissions or session",
        ends="GitHub's answer about a login counts only for the account with the same id",
        tests=(
            f"{_RENAMES}::test_account_that_takes_a_login_gets_nothing_of_the_former",
            "tests/integration/web/test_renamed.py::test_a_session_gets_nothing_of_who_took_its_login",
            "tests/integration/github/test_port_on_the_stand_in.py::test_who_took_a_login_lends_its_right_to_nobody",
        ),
    ),
    Attack(
        tries="get an approval, then push",
        ends="`codeowners`: the approval is of an older commit",
        tests=(f"{_CODEOWNERS}::test_a_push_after_the_approval_voids_it",),
    ),
    Attack(
        tries="get an approval, then `/plan` with another `-target` or `-replace`, and apply that",
        ends="`codeowners`: an approval counts for the changes and arguments that it was given for",
        tests=(
            f"{_ATTACKS}::test_an_approval_does_not_reach_a_plan_of_some_resources",
            f"{_CODEOWNERS}::test_an_approval_survives_the_same_plan_and_no_other",
        ),
    ),
    Attack(
        tries="get the code approved, then `/import` something in its place, and apply that",
        ends="`codeowners`: the import needs a separate approval, and the code a new one",
        tests=(f"{_OPERATIONS}::test_import_needs_its_own_approval_and_resets_that_of_code",),
    ),
    Attack(
        tries="get an approval before there is a plan to read",
        ends="`codeowners`: an approval counts only after the plan was posted",
        tests=(f"{_CODEOWNERS}::test_an_approval_given_before_the_plan_is_of_no_plan",),
    ),
    Attack(
        tries="approve as the author, or as a person who pushed to the pull request",
        ends="`codeowners`: authors and pushers cannot approve",
        tests=(
            f"{_CODEOWNERS}::test_the_author_cannot_approve",
            f"{_CODEOWNERS}::test_who_pushed_cannot_approve",
        ),
    ),
    Attack(
        tries="push a branch and have a bot open the pull request, to hide the pusher",
        ends="`codeowners`: everybody who pushed one of its commits to any branch is a pusher",
        tests=(f"{_PUSHED}::test_who_pushed_before_a_bot_opened_cannot_approve",),
    ),
    Attack(
        tries="push while GitHub's deliveries are lost",
        ends="`codeowners`: the pusher is read from the repository's activity, and an unknown one shuts the gate",
        tests=(
            f"{_PUSHED}::test_pushes_that_nobody_reported_are_read_from_the_activity",
            f"{_PUSHED}::test_a_push_that_is_unknown_everywhere_shuts_the_gate",
        ),
    ),
    Attack(
        tries="have a bot push the commits",
        ends="`codeowners`: a head that a bot pushed counts as unknown, unless the policy lists the bot",
        tests=(f"{_PUSHED}::test_a_bot_is_known_where_the_policy_lists_it",),
    ),
    Attack(
        tries="get an approval and force other commits onto the branch, to which GitHub moves the approval",
        ends="`codeowners`: an approval counts for the commit that its delivery named",
        tests=(
            f"{_PUSHED}::test_an_approval_does_not_move_with_a_force_push",
            f"{_PUSHED}::test_approval_with_a_lost_delivery_does_not_follow_earlier_moves",
        ),
    ),
    Attack(
        tries="hide a change in a merge of the base",
        ends="`codeowners`: only a merge with exactly the content that git makes keeps approvals",
        tests=(
            f"{_PUSHED}::test_merge_of_base_with_change_of_its_own_needs_approval",
            f"{_LINEAGE}::test_merge_with_a_change_of_its_own_is_not_clean",
        ),
    ),
    Attack(
        tries="create a team under a name that CODEOWNERS, `apply.allow` or `oncall` still lists",
        ends="a team counts only while it has write access to the repository",
        tests=(
            f"{_ATTACKS}::test_former_owner_opens_nothing_by_an_earlier_approval",
            f"{_TEAMS}::test_members_may_apply_where_their_team_may_write",
            f"{_TEAMS}::test_teams_answer_for_an_environment_where_they_may_write",
        ),
    ),
    Attack(
        tries="approve as a reader, or as a writer who owns nothing",
        ends="`codeowners`: only owners with write access count",
        tests=(
            f"{_CODEOWNERS}::test_an_owner_who_may_only_read_opens_nothing",
            f"{_CODEOWNERS}::test_a_writer_who_is_no_owner_opens_nothing",
        ),
    ),
    Attack(
        tries="use the approval of a person who has since left the owning team or lost write access",
        ends="`codeowners`: permissions and membership are read again before each apply",
        tests=(f"{_ATTACKS}::test_former_owner_opens_nothing_by_an_earlier_approval",),
    ),
    Attack(
        tries="use an approval that was dismissed, or one of an older commit",
        ends="`codeowners`",
        tests=(
            f"{_CODEOWNERS}::test_a_dismissed_approval_opens_nothing",
            f"{_CODEOWNERS}::test_an_approval_of_an_older_commit_opens_nothing",
        ),
    ),
    Attack(
        tries="become an owner by changing CODEOWNERS in the pull request itself",
        ends="`codeowners`: the file of the default branch is in force, and is itself an owned path",
        tests=(f"{_CODEOWNERS}::test_codeowners_changed_in_the_pull_request_has_no_effect",),
    ),
    Attack(
        tries="take the gates out of `gatewright.yaml` in the pull request itself",
        ends="`codeowners`, `promoted`: the file of the default branch is in force",
        tests=(
            f"{_PROMOTION}::test_a_policy_of_the_pull_request_itself_opens_nothing",
            "tests/e2e/hostile_input/test_policy.py::test_pull_request_is_judged_by_policy_of_the_default_branch",
        ),
    ),
    Attack(
        tries="edit a comment into a command, or hide one in a quote or a code block",
        ends="it is not a command",
        tests=(
            f"{_COMMANDS}::test_an_edited_comment_is_no_command",
            f"{_COMMANDS}::test_what_is_no_command_of_ours_is_left_alone",
        ),
    ),
    Attack(
        tries="apply without the permission, or with one that was withdrawn since the plan",
        ends="`permission`: it is read again before each apply",
        tests=(
            f"{_COMMANDS}::test_who_may_not_write_can_neither_plan_nor_apply",
            f"{_COMMANDS}::test_a_right_that_was_taken_away_counts_no_more",
        ),
    ),
    Attack(
        tries="apply before a check that the base branch requires has reported, or report it green under its name",
        ends="`checks`: a check that branch protection or a ruleset requires must be reported, by the App that they name",
        tests=(
            f"{_PROMOTION}::test_each_gate_alone_keeps_prod_shut",
            f"{_COMMIT_CHECKS}::test_check_that_ruleset_requires_is_missed_until_it_is_reported",
            f"{_COMMIT_CHECKS}::test_check_bound_to_an_app_is_not_opened_by_another",
            f"{_COMMIT_CHECKS}::test_rules_that_cannot_be_read_are_not_no_rules",
        ),
    ),
    Attack(
        tries="move the base under the plan, between plan and apply",
        ends="`undiverged`",
        tests=(f"{_PROMOTION}::test_a_base_that_moves_under_the_plan_shuts_prod",),
    ),
    Attack(
        tries="re-apply staging from another pull request between its verification and prod",
        ends="`promoted`: the verified release is no longer applied there",
        tests=(f"{_PROMOTION}::test_staging_applied_from_elsewhere_in_between_shuts_prod",),
    ),
    Attack(
        tries="swap or damage the stored plan or its directory",
        ends="`integrity`",
        tests=(
            "tests/e2e/hostile_input/test_stored_plans.py::test_plan_that_was_changed_in_the_store_is_not_applied",
        ),
    ),
    Attack(
        tries="save another plan than the one that Terraform makes: of unreviewed code, or of another state",
        ends="`unsafe_tree`: the code and the state in the plan file are compared with the reviewed ones",
        tests=(
            "tests/integration/terraform/test_hostile_plans.py::test_plan_of_other_code_or_of_another_state_is_refused",
            "tests/integration/terraform/test_saved_plan.py::test_what_is_no_plan_is_refused_without_harm",
        ),
    ),
    Attack(
        tries="give the apply another provider program than the plan, with a lock file without hashes",
        ends="`unsafe_tree`, with the names of the providers",
        tests=(
            "tests/integration/terraform/test_initialisation.py::test_a_locked_provider_that_nothing_is_compared_with_is_refused",
        ),
    ),
    Attack(
        tries="move a module so that the destroy of a pull request's environment runs new code with the keys of an apply",
        ends="a destroy uses the modules that were applied",
        tests=(
            "tests/e2e/plan_inputs/test_moving_modules.py::test_a_destroy_is_made_with_the_modules_that_were_applied",
        ),
    ),
    Attack(
        tries="save a plan that was made with other values than those of the settings",
        ends="`unsafe_tree`; Terraform compares the values of the var file at the apply",
        tests=(
            "tests/integration/terraform/test_hostile_plans.py::test_plan_with_other_values_than_it_was_given_is_refused",
            "tests/integration/terraform/test_hostile_plans.py::test_plan_with_values_unlike_the_var_file_is_not_applied",
        ),
    ),
    Attack(
        tries="change the state between plan and apply",
        ends="`state_moved`",
        tests=(
            "tests/e2e/planning/test_stale_plans.py::test_a_state_that_was_changed_elsewhere_closes_the_way",
        ),
    ),
    Attack(
        tries="apply a part of a release to staging with `-target`, and promote all of it",
        ends="`promoted`: a part of a release, and its verification, do not count for the rest",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_part_of_a_release_applied_and_verified_promotes_nothing",
        ),
    ),
    Attack(
        tries="put code behind a symbolic link, so that a change of it is neither planned nor verified",
        ends="the target of a link is an input of the stack, also for a linked project directory",
        tests=(
            "tests/unit/services/test_linked_inputs.py::test_what_lies_behind_a_link_is_an_input",
            "tests/unit/services/test_linked_inputs.py::test_the_directory_of_a_project_may_itself_be_a_link",
            "tests/unit/domain/trees/test_links.py::test_a_change_is_seen_through_links",
            "tests/unit/domain/trees/test_input_paths.py::test_what_changes_the_digest_touches_the_stack",
        ),
    ),
    Attack(
        tries='change a file that the code reads from elsewhere (`file("../x")`), and promote it as what was verified before it',
        ends="`promoted`, `undiverged`: paths that the code names outside of its directory are part of the release",
        tests=(
            "tests/unit/domain/hcl/test_reached_paths.py::test_file_that_the_code_reads_from_elsewhere_is_an_input",
            "tests/unit/domain/hcl/test_reached_paths.py::test_so_is_what_a_called_module_reads",
        ),
    ),
    Attack(
        tries="read a file by a path that only Terraform can compute, and change that file between staging and prod",
        ends="the file is absent: a run gets only its inputs and its own var file, and the failed plan shows the missing line of `when_modified`",
        tests=(
            f"{_COMPUTED}::test_a_computed_path_fails_until_the_policy_names_it",
            f"{_COMPUTED}::test_a_push_of_the_named_file_alone_is_not_promoted",
            "tests/unit/domain/trees/test_input_paths.py::test_the_digest_changes_with_every_entry_and_nothing_else",
            "tests/integration/terraform/test_omitted_files.py::test_a_computed_path_is_named_by_the_error",
        ),
    ),
    Attack(
        tries="read the var file of another environment, under its own name, by a link or from the project's directory",
        ends="the file is absent: a run never gets var files of other environments",
        tests=(
            "tests/unit/domain/trees/test_input_paths.py::test_a_run_gets_its_own_var_file_and_no_other",
            "tests/unit/domain/trees/test_input_paths.py::test_links_bring_what_they_stand_for",
            "tests/unit/domain/trees/test_input_paths.py::test_the_target_of_a_var_file_stays_away_from_others",
        ),
    ),
    Attack(
        tries="remove code from prod by making the var file of another environment a link to it",
        ends="only files that can be var files are removed because of such a link",
        tests=(
            "tests/unit/domain/trees/test_input_paths.py::test_var_file_that_is_a_link_takes_no_code_away",
        ),
    ),
    Attack(
        tries="move a module (`?ref=main`), a version range or an unlocked provider between staging and prod",
        ends="`promoted`: the content of fetched modules and the versions of providers are part of the release; the plan comment lists what can change",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_the_same_code_with_other_modules_promotes_nothing",
            "tests/unit/domain/plans/test_fetched.py::test_the_digest_changes_with_what_was_fetched",
            "tests/unit/domain/plans/test_fetched.py::test_a_module_that_can_move_is_named",
            "tests/integration/services/verification/test_verified_again.py::test_the_same_inputs_are_verified_again_with_other_modules",
        ),
    ),
    Attack(
        tries="promote a release that an older version verified without recording what was fetched",
        ends="`promoted`: `/plan` of the previous environment, without changes, verifies it again",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_release_of_an_older_version_promotes_nothing_until_planned_again",
        ),
    ),
    Attack(
        tries="merge after a module has changed since the last plan, so that `after_merge: apply` applies it",
        ends="nothing is applied automatically: the plan of the merge must have the same inputs as the reviewed plan, including fetched modules",
        tests=(
            "tests/unit/services/test_judging_a_merge.py::test_a_merge_applies_no_code_that_nobody_saw_planned",
        ),
    ),
    Attack(
        tries="have a bot or a merge queue merge unreviewed changes, because the merger needs no permission",
        ends="only what the posted plan showed is applied; for any other plan the merger's `permission` is judged",
        tests=(
            "tests/e2e/merging/test_merges.py::test_what_was_not_reviewed_is_not_applied_by_a_merge",
            "tests/unit/services/test_judging_a_merge.py::test_what_was_not_reviewed_needs_the_permission_of_the_merger",
        ),
    ),
    Attack(
        tries="change a file that only `when_modified` names, and promote it with the earlier verification",
        ends="`promoted`, `undiverged`: files that start a plan are part of the release",
        tests=(
            "tests/unit/domain/trees/test_selection.py::test_what_is_to_start_plan_is_part_of_the_release",
        ),
    ),
    Attack(
        tries="undo merged changes of others with a criss-cross merge, whose diff does not show it",
        ends="with several merge bases, everything that the merge would change in the base is planned and needs its owners",
        tests=(
            "tests/integration/workspace/test_merge.py::test_merge_that_drops_a_change_of_one_base_changed_it",
        ),
    ),
    Attack(
        tries="push, have the delivery lost, and apply the older plan",
        ends="`head_moved`: the head is read from GitHub, not from deliveries",
        tests=(
            "tests/e2e/planning/test_stale_plans.py::test_a_push_whose_delivery_was_lost_still_closes_the_way",
        ),
    ),
    Attack(
        tries="open a pull request into an unreviewed branch, and plan or apply it there",
        ends="`base`: only the default branch and the policy's `branches` are served",
        tests=(
            "tests/e2e/planning/test_plan_on_push.py::test_another_base_makes_every_plan_void",
            "tests/unit/domain/gates/test_gates.py::test_one_wrong_fact_shuts_exactly_its_gate",
        ),
    ),
    Attack(
        tries="close the pull request during its apply",
        ends="the apply finishes, the stack stays locked, and later commands are refused: `pull_closed`",
        tests=(
            "tests/e2e/merging/test_merges.py::test_pull_request_closed_during_apply_is_applied_to_its_end",
        ),
    ),
    Attack(
        tries="release the locks of a pull request, or end the freeze of a revert, by merging it into another branch",
        ends="only a merge into a branch that the policy serves counts; for the freeze of a revert, only the default branch",
        tests=(
            "tests/integration/services/merging/test_merges_elsewhere.py::test_applied_stacks_stay_locked_after_merges_into_unserved_branches",
            "tests/integration/services/merging/test_merges_elsewhere.py::test_revert_is_completed_by_merge_into_the_default_branch_alone",
        ),
    ),
    Attack(
        tries="open `hold` with an override while the operator has stopped everything, or use it for a later freeze",
        ends="`hold`: an override covers the freezes that existed when it was agreed, and never the operator's stop",
        tests=(
            "tests/unit/services/test_overridden_holds.py::test_two_owners_open_holds_that_they_knew_and_no_stop",
        ),
    ),
    Attack(
        tries="get the first owner's override, push another change, and have the second owner repeat it",
        ends="the second `/override` starts over: both owners must have seen the same plan",
        tests=(
            "tests/integration/services/access/test_override_requests.py::test_holder_of_an_earlier_plan_opens_nothing_for_a_later",
        ),
    ),
    Attack(
        tries="race for an environment with two pull requests",
        ends="one gets it, the other one waits in the queue",
        tests=(
            "tests/e2e/environments/test_pull_request_environments.py::test_two_pull_requests_race_for_test_and_others_queue",
        ),
    ),
    Attack(
        tries="replay a delivery, also under another id, also after the merge",
        ends="a request is handled once",
        tests=(
            "tests/e2e/github/test_deliveries.py::test_what_is_replayed_after_the_merge_changes_nothing",
            "tests/e2e/github/test_deliveries.py::test_one_comment_in_two_deliveries_runs_once",
        ),
    ),
    Attack(
        tries="merge unreviewed changes, or a provisioner that no plan shows, so that the merge applies them",
        ends="plan, code and values are compared; a difference is reported in the closeout and not applied",
        tests=(
            "tests/e2e/merging/test_merges.py::test_what_was_not_reviewed_is_not_applied_by_a_merge",
            "tests/unit/services/test_judging_a_merge.py::test_a_merge_applies_no_code_that_nobody_saw_planned",
        ),
    ),
    Attack(
        tries="bypass the owners with a revert, which needs no approval",
        ends="`codeowners`: the person who applies it must be a code owner or on call",
        tests=(
            "tests/e2e/revert/test_revert.py::test_prod_is_reverted_by_owner_or_who_is_on_call",
            "tests/unit/domain/gates/test_gates_reverts.py::test_what_still_shuts_a_revert",
        ),
    ),
    Attack(
        tries="have unapproved code planned without changes, so that a later revert goes back to it",
        ends="a revert prefers a release that was applied or merged",
        tests=("tests/unit/domain/releases/test_revert.py::test_a_revert_goes_to",),
    ),
    Attack(
        tries="revert to a source that was swapped in the store",
        ends="`integrity`",
        tests=("tests/e2e/revert/test_revert.py::test_what_stands_in_the_way_of_a_revert_is_said",),
    ),
    Attack(
        tries="run code from a fork",
        ends="`fork`, until a maintainer allows that commit",
        tests=(
            f"{_TREES}::test_nothing_runs_for_a_fork",
            "tests/e2e/environments/test_forks.py::test_maintainer_allows_one_commit_of_a_fork_at_a_time",
        ),
    ),
    Attack(
        tries="redirect the state with an override file, a committed `.terraform`, or a link out of the tree",
        ends="`unsafe_tree`",
        tests=(
            f"{_TREES}::test_files_that_would_redirect_the_state_are_refused_by_name",
            f"{_TREES}::test_a_symbolic_link_that_leaves_the_tree_is_refused",
        ),
    ),
    Attack(
        tries="destroy everything by moving the files of a root module away, with or without a merge",
        ends="`no_configuration`: it is never planned; the refusal says how to remove a stack",
        tests=(
            f"{_UNPLANNABLE}::test_a_module_without_its_files_destroys_nothing",
            f"{_UNPLANNABLE}::test_merge_alone_of_a_module_without_its_files_destroys_nothing",
            f"{_UNFETCHED}::test_going_back_to_such_a_release_is_refused",
            "tests/unit/domain/trees/test_plannable.py::test_a_root_module_without_any_block_is_not_planned",
            "tests/e2e/local/test_local.py::test_a_module_without_its_files_is_not_planned",
        ),
    ),
    Attack(
        tries="destroy something, or deploy a pointer, by replacing code or files with a submodule or Git LFS",
        ends="`unfetched_content`, with the paths",
        tests=(
            f"{_UNPLANNABLE}::test_a_called_module_that_became_a_submodule_destroys_nothing",
            f"{_UNPLANNABLE}::test_pointer_to_large_file_is_not_taken_for_the_file",
            f"{_UNFETCHED}::test_content_outside_of_git_is_refused_by_its_paths",
            "tests/unit/domain/trees/test_plannable.py::test_a_submodule_among_the_inputs_is_found",
            "tests/unit/domain/trees/test_plannable.py::test_a_submodule_is_found_through_links",
            "tests/unit/domain/trees/test_plannable.py::test_a_pointer_is_told_from_a_file",
            "tests/e2e/local/test_local.py::test_content_that_is_not_in_the_repository_is_not_planned",
        ),
    ),
    Attack(
        tries="merge before the plan is posted, so that the merge destroys what no plan has shown",
        ends="nothing is applied; the closeout names the addresses",
        tests=(
            "tests/e2e/merging/test_merges.py::test_plan_that_nobody_could_read_before_the_merge_destroys_nothing",
            "tests/integration/services/merging/test_syncs_and_locks.py::test_a_merge_applies_only_what_a_posted_plan_has_shown",
            "tests/unit/domain/plans/test_reviewed.py::test_plan_lost_before_it_was_shown_is_found_by_address",
        ),
    ),
    Attack(
        tries="apply or destroy a permanent environment by work that was queued while it had a `lifecycle`",
        ends="it is refused and needs a person",
        tests=(
            "tests/unit/services/test_lifecycles.py::test_nothing_is_applied_automatically_where_an_environment_stays",
            "tests/unit/services/test_lifecycles.py::test_what_has_come_to_stay_is_not_destroyed",
        ),
    ),
    Attack(
        tries="smuggle Terraform code, or another change, into the plan of an `/import` or `/state rm`",
        ends="anything but an address is refused; an id is plain text; a plan with other changes is refused",
        tests=(
            "tests/unit/domain/state/test_state_operations.py::test_what_is_no_address_is_never_declared",
            "tests/unit/domain/state/test_state_operations.py::test_no_id_ends_its_text_or_is_evaluated",
            "tests/unit/domain/state/test_state_operations.py::test_whatever_it_would_do_besides_is_found",
            "tests/e2e/state/test_state_operations.py::test_object_leaves_state_and_comes_back_by_reviewed_plans_alone",
        ),
    ),
    Attack(
        tries="read the bot's environment, files, database or processes from Terraform code",
        ends="the sandbox contains none of them",
        tests=(
            f"{_HOSTILE}::test_code_of_plan_sees_only_its_own_environment_and_files",
            f"{_PRYING}::test_code_applied_can_reach_nothing_of_bot_or_of_others",
        ),
    ),
    Attack(
        tries="restore an older state without being an administrator, without confirming the count, or under another pull request's lock",
        ends="`permission`, `unconfirmed`, `locked`",
        tests=(
            "tests/e2e/state/test_state_restore.py::test_older_state_is_restored_and_only_later_plans_go_on",
        ),
    ),
    Attack(
        tries="read another environment's state, or the bot's bucket, from Terraform code",
        ends="the store refuses the key pair that the code has",
        tests=(
            f"{_HOSTILE}::test_a_plan_of_staging_cannot_read_the_state_of_prod",
            f"{_PRYING}::test_apply_of_staging_reaches_neither_prod_state_nor_bots_bucket",
        ),
    ),
    Attack(
        tries="replace the saved plan with another plan, a link, a pipe or a device during the plan",
        ends="the plan file is copied to a place that the code cannot reach: that copy is shown, stored and applied, or the run fails",
        tests=(
            f"{_PLANS}::test_what_is_shown_is_what_is_stored_and_applied",
            f"{_PLANS}::test_what_is_no_plan_is_refused_whatever_it_is",
            f"{_PLANS}::test_a_plan_that_was_led_elsewhere_is_a_clean_failure",
            f"{_PROGRAMS}::test_a_plan_that_is_no_plain_file_is_not_taken",
        ),
    ),
    Attack(
        tries="save a plan of the reviewed code with other values that only a provisioner uses, or of some resources only",
        ends="`tree_changed`: values of the settings and defaults of the code are compared, and Terraform compares the var file at the apply",
        tests=(
            f"{_PLANS}::test_plan_of_other_code_or_of_another_state_is_refused",
            "tests/unit/domain/plans/test_plan_variables.py::test_another_value_is_found_by_its_name",
            "tests/integration/terraform/test_inputs.py::test_var_file_changed_after_the_plan_fails_the_apply",
        ),
    ),
    Attack(
        tries="rewrite a reviewed file during the plan, also with its size and time kept, so that the apply runs it",
        ends="the run fails with the paths, and an apply starts from what git has",
        tests=(
            f"{_LEFT}::test_a_changed_file_is_found_by_its_name",
            f"{_PLANS}::test_a_plan_that_changes_files_leaves_nothing_to_anybody",
            f"{_PROGRAMS}::test_reviewed_script_that_is_rewritten_while_planning_fails_the_plan",
        ),
    ),
    Attack(
        tries="add a file that Terraform or git loads by its name, or a link out of the tree, during the plan",
        ends="the run fails; other added files are listed and reach only the apply of this plan",
        tests=(
            f"{_LEFT}::test_a_name_that_terraform_or_git_would_read_is_refused",
            f"{_LEFT}::test_a_link_out_of_the_tree_is_refused",
            f"{_PROGRAMS}::test_files_that_terraform_or_git_would_read_are_not_accepted",
            f"{_PROGRAMS}::test_files_added_by_a_plan_reach_its_own_apply_alone",
        ),
    ),
    Attack(
        tries="leave a file for a later step, run or pull request, anywhere that a plan can write",
        ends="no later step sees it: each has a separate sandbox",
        tests=(f"{_PLANS}::test_no_later_step_sees_what_a_plan_wrote",),
    ),
    Attack(
        tries="change the modules that another plan or an apply will use, by git hooks or directly",
        ends="`init` sees nothing that a plan wrote, and what it fetched is compared before each use",
        tests=(
            f"{_FETCHED}::test_nobody_poisons_the_modules_of_the_next_pull_request",
            f"{_PROGRAMS}::test_what_a_program_leaves_at_home_reaches_no_later_run",
            f"{_FETCHED}::test_tampered_modules_are_fetched_again_for_a_plan",
            f"{_FETCHED}::test_an_apply_uses_the_modules_of_its_plan",
            f"{_FETCHED}::test_an_apply_without_the_modules_of_its_plan_never_starts",
        ),
    ),
    Attack(
        tries="print the words with which Terraform asks for `init`",
        ends="the plan is repeated once, in an empty directory",
        tests=(f"{_PLANS}::test_code_that_asks_for_init_is_planned_once_more",),
    ),
    Attack(
        tries="fill a working directory, or make it unreadable, so that it cannot be used again",
        ends="it is emptied, or set aside if it may contain a state",
        tests=(
            "tests/integration/workspace/test_slots.py::test_a_slot_crowded_by_a_plan_is_used_again",
            "tests/integration/workspace/test_slots.py::test_a_slot_crowded_by_a_change_is_kept",
        ),
    ),
    Attack(
        tries="break out of a comment with plan output, or mention people with it",
        ends="it is escaped and shown as text",
        tests=(f"{_HOSTILE}::test_text_of_a_plan_stays_text",),
    ),
    Attack(
        tries="apply with other inputs than the plan: a variable that the settings give to one purpose only",
        ends="`inputs_differ`, with the names of the settings, at the plan and again at the apply",
        tests=(
            f"{_INPUTS}::test_a_variable_of_applies_alone_is_refused_by_name",
            f"{_INPUTS}::test_a_difference_that_came_after_the_plan_refuses_the_apply",
            "tests/e2e/local/test_local.py::test_another_variable_for_applies_is_refused_by_name",
        ),
    ),
    Attack(
        tries="hide the declaration from that check: `ephemeral` as an expression, in an override file, or with a computed name",
        ends="only variables with a literal `ephemeral = true` everywhere may differ",
        tests=(
            "tests/unit/domain/hcl/test_variables.py::test_a_difference_is_refused_unless_it_has_no_effect",
            "tests/unit/domain/hcl/test_variables.py::test_an_override_file_that_takes_ephemeral_back_counts",
            "tests/unit/domain/hcl/test_variables.py::test_only_the_files_that_the_engine_reads_count",
        ),
    ),
    Attack(
        tries="change the var file after the plan, because an apply gets it again for its ephemeral variables",
        ends="Terraform refuses to apply another value of any other variable",
        tests=(
            "tests/integration/terraform/test_inputs.py::test_var_file_changed_after_the_plan_fails_the_apply",
        ),
    ),
    Attack(
        tries="read the token for private modules or registries from code that is planned",
        ends="only `init` gets these tokens, and it gets no other credentials",
        tests=(
            f"{_MODULES}::test_private_modules_are_fetched_with_a_token_of_init_alone",
            "tests/integration/terraform/test_inputs.py::test_init_and_the_other_steps_are_given_different_credentials",
        ),
    ),
    Attack(
        tries="have `init` send that token to another host, or fetch a private repository that is not listed",
        ends="it is sent only to GitHub's address, without redirects, and can read only the listed repositories",
        tests=(
            f"{_MODULES}::test_a_token_for_modules_reaches_no_other_server",
            f"{_MODULES}::test_a_private_module_that_is_not_listed_cannot_be_fetched",
            "tests/integration/workspace/test_module_access.py::test_the_token_follows_no_redirection",
        ),
    ),
)

PROMISES: Final = (
    Promise(
        promise="Deliveries need a valid HMAC-SHA256; the size of a body is limited before it is read",
        kept_in=("bot/web/webhook.py", "bot/events.py"),
        tests=(
            "tests/e2e/hostile_input/test_webhooks.py::test_command_counts_only_when_it_is_signed_with_the_secret",
            "tests/e2e/hostile_input/test_webhooks.py::test_body_above_25_mb_is_refused_with_or_without_length",
        ),
    ),
    Promise(
        promise="Programs run from argument lists, without a shell; Terraform arguments are from an allow list",
        kept_in=("bot/domain/commands/terraform_arguments.py", "bot/adapters/terraform/argv.py"),
        tests=(f"{_COMMANDS}::test_an_argument_that_is_not_allowed_is_refused_by_name",),
    ),
    Promise(
        promise="Terraform gets a minimal environment, a separate HOME, and no token or secret of the bot",
        kept_in=("bot/adapters/terraform/environment.py", "bot/credentials.py"),
        tests=(
            "tests/integration/terraform/test_isolation.py::test_terraform_code_sees_only_the_stacks_own_environment",
        ),
    ),
    Promise(
        promise="Credentials are per environment and per purpose: a plan never has an apply's",
        kept_in=("bot/credentials.py",),
        tests=(f"{_HOSTILE}::test_credentials_of_plans_and_applies_never_meet",),
    ),
    Promise(
        promise="Plans and applies get the same variables; `init` gets other credentials than every other step",
        kept_in=(
            "bot/services/runs/plan_inputs.py",
            "bot/domain/hcl/variables.py",
            "bot/adapters/terraform/environment.py",
        ),
        tests=(
            f"{_INPUTS}::test_an_ephemeral_variable_of_the_var_file_plans_and_applies",
            f"{_INPUTS}::test_an_ephemeral_value_may_differ_between_plans_and_applies",
            f"{_INPUTS}::test_a_pull_requests_environment_lives_and_dies_with_ephemeral_variables",
            f"{_INPUTS}::test_a_revert_is_applied_with_ephemeral_variables",
            "tests/integration/terraform/test_inputs.py::test_init_and_the_other_steps_are_given_different_credentials",
        ),
    ),
    Promise(
        promise="Data is copied only against the direction of promotion, never into prod, by a command of the default branch"
        " that gets the other environment's outputs and none of its credentials",
        kept_in=("bot/policy/refreshes.py", "bot/services/data_refresh/runs.py"),
        tests=(
            "tests/unit/policy/test_policy_refreshes.py::test_refresh_that_cannot_be_is_a_problem_with_its_line",
            "tests/e2e/environments/test_data_refresh.py::test_refresh_is_reported_when_it_fails_and_when_it_recovers",
        ),
    ),
    Promise(
        promise="Terraform runs in a sandbox that was tested at start, and other processes cannot read the bot's memory",
        kept_in=("bot/adapters/terraform/sandbox.py", "bot/adapters/hardening.py"),
        tests=(
            "tests/integration/terraform/test_isolation.py::test_the_sandbox_proves_that_it_works",
            "tests/integration/security/test_hardening.py::test_another_process_of_user_reads_nothing_of_a_hardened_one",
        ),
    ),
    Promise(
        promise="Providers can be pinned to a mirror",
        kept_in=("bot/adapters/terraform/environment.py",),
        tests=(
            "tests/integration/terraform/test_initialisation.py::test_nothing_but_the_mirror_is_asked_for_providers",
        ),
    ),
    Promise(
        promise="Tokens are short-lived, limited to the repository, and reach git only through its environment",
        kept_in=(
            "bot/adapters/github/credentials.py",
            "bot/domain/core/git_access.py",
            "bot/adapters/workspace/git.py",
        ),
        tests=(
            "tests/integration/workspace/test_fetch.py::test_the_token_reaches_the_origin_and_nothing_else",
            "tests/integration/github/test_tokens.py::test_token_is_narrowed_to_the_repository_id_not_its_name",
        ),
    ),
    Promise(
        promise="Secrets reach no log, comment, page, exception or database",
        kept_in=("bot/domain/secrets/redaction.py", "bot/domain/secrets/sensitive.py"),
        tests=(
            "tests/e2e/hostile_input/test_secrets.py::test_no_secret_is_in_any_log_comment_page_or_object",
        ),
    ),
    Promise(
        promise="Plans and their directories are stored encrypted, and compared byte for byte before they are used",
        kept_in=("bot/adapters/encryption.py", "bot/services/applying/applying.py"),
        tests=(
            "tests/e2e/hostile_input/test_stored_plans.py::test_plan_that_was_changed_in_the_store_is_not_applied",
        ),
    ),
    Promise(
        promise="Policy and CODEOWNERS come from the default branch, never from the pull request",
        kept_in=("bot/services/stacks/policies.py", "bot/services/access/code_owners.py"),
        tests=(f"{_PROMOTION}::test_a_policy_of_the_pull_request_itself_opens_nothing",),
    ),
    Promise(
        promise="Every gate is judged again just before Terraform starts; a fact that cannot be read shuts its gate",
        kept_in=("bot/services/gates/judging.py", "bot/services/gates/facts.py"),
        tests=(
            f"{_PROMOTION}::test_each_gate_alone_keeps_prod_shut",
            f"{_CODEOWNERS}::test_reviews_that_cannot_be_read_shut_the_gate",
        ),
    ),
    Promise(
        promise="Pages need a GitHub login with read access; everybody else gets 404",
        kept_in=("bot/web/access.py", "bot/web/sessions.py"),
        tests=(
            "tests/integration/web/test_run_pages.py::test_visitor_without_read_access_sees_no_such_run",
            "tests/integration/web/test_run_acts.py::test_for_an_outsider_there_is_nothing_to_act_on",
        ),
    ),
    Promise(
        promise="`/metrics` needs its bearer token",
        kept_in=("bot/web/health.py",),
        tests=("tests/integration/web/test_health.py::test_metrics_without_the_token_are_refused",),
    ),
)


def attacks() -> str:
    """Return the table of attacks."""
    rows = [(attack.tries, attack.ends, _named(attack.tests)) for attack in ATTACKS]
    return table(("Attack", "Result", "Tests"), rows)


def promises() -> str:
    """Return the table of promises."""
    rows = [
        (one.promise, ", ".join(f"`{path}`" for path in one.kept_in), _named(one.tests)) for one in PROMISES
    ]
    return table(("Promise", "Kept in", "Tests"), rows)


def _named(tests: tuple[str, ...]) -> str:
    return ", ".join(f"[{name.partition('::')[2]}](../{name.partition('::')[0]})" for name in tests)
