"""What is promised about security, where it is kept, and which test tries to break it.

`docs/security.md` is made from these tables; a test looks that every test that is named exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.docs.generate import table

_CODEOWNERS: Final = "tests/e2e_codeowners/test_approvals.py"
_ATTACKS: Final = "tests/e2e_codeowners/test_attacks.py"
_OPERATIONS: Final = "tests/integration/database/test_approvals_of_operations.py"
_PROMOTION: Final = "tests/e2e/test_promotion.py"
_COMMIT_CHECKS: Final = "tests/integration/github/test_commit_checks.py"
_COMMANDS: Final = "tests/e2e_input/test_commands.py"
_PRYING: Final = "tests/e2e_input/test_prying.py"
_HOSTILE: Final = "tests/e2e_input/test_hostile_code.py"
_COMPUTED: Final = "tests/e2e_input/test_computed_paths.py"
_TREES: Final = "tests/e2e_input/test_hostile_trees.py"
_PROGRAMS: Final = "tests/e2e_inputs/test_programs_at_plan_time.py"
_INPUTS: Final = "tests/e2e_inputs/test_variables.py"
_MODULES: Final = "tests/e2e_inputs/test_modules.py"
_UNPLANNABLE: Final = "tests/e2e_envs/test_unplannable_trees.py"
_UNFETCHED: Final = "tests/integration/workspace/test_unplannable_trees.py"
_WHOSE: Final = "tests/e2e/test_whose.py"
_EXISTING: Final = "tests/e2e/test_existing_states.py"
_SERVED: Final = "tests/e2e_crash/test_who_is_served.py"
_REPOSITORIES: Final = "tests/integration/database/test_repositories.py"
_PLANS: Final = "tests/integration/terraform/test_hostile_plans.py"
_FETCHED: Final = "tests/integration/terraform/test_fetched.py"
_LEFT: Final = "tests/integration/workspace/test_left_behind.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What somebody tries, how it ends, and the tests (`file::function`) that try it."""

    tries: str
    ends: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What is promised, the modules that keep it, and the tests (`file::function`) that look."""

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
        tries="install the App on a repository of one's own and get an environment's credentials",
        ends="a repository that the operator has not listed is ignored in silence, and nothing is asked of GitHub for it",
        tests=(
            f"{_WHOSE}::test_a_repository_that_is_not_listed_is_ignored_in_silence",
            f"{_SERVED}::test_nothing_missed_is_looked_for_of_who_is_not_listed",
            "tests/integration/github/test_tokens.py::test_nothing_is_asked_of_github_for_a_repository_that_is_not_listed",
        ),
    ),
    Attack(
        tries="make a new repository under the name of one that is served",
        ends="a name is bound to GitHub's id; the new one is ignored until its id is listed, and has no state of the old one",
        tests=(
            f"{_SERVED}::test_a_new_repository_of_a_listed_name_is_refused_until_its_id_is_listed",
            f"{_REPOSITORIES}::test_another_repository_of_the_name_is_refused_until_its_id_is_listed",
        ),
    ),
    Attack(
        tries="plan, read or destroy another repository's state by a policy that leads to the same key",
        ends="`state_owner`: a state belongs to who used it first",
        tests=(
            f"{_WHOSE}::test_a_second_repository_never_gets_the_state_of_the_first",
            f"{_WHOSE}::test_another_repository_does_not_queue_for_a_shared_environment",
            f"{_REPOSITORIES}::test_another_stack_of_the_same_repository_is_refused_too",
        ),
    ),
    Attack(
        tries="have everything created a second time by code whose state lies elsewhere",
        ends="`other_backend`: it is not planned while there is no state, and the refusal shows how to copy it",
        tests=(
            f"{_EXISTING}::test_what_exists_elsewhere_is_taken_over_by_the_printed_commands",
            f"{_EXISTING}::test_a_new_state_is_planned_once_the_block_is_gone",
            "tests/unit/domain/test_declared_backends.py::test_what_contradicts_is_found",
        ),
    ),
    Attack(
        tries="make `gatewright/apply` green with a second, draft pull request of the same commit",
        ends="the check is green only where everything that the commit touches was asked to be planned",
        tests=(
            "tests/e2e/test_plan_on_push.py::test_a_draft_is_planned_when_it_is_ready",
            "tests/integration/database/test_checks_of_a_commit.py::test_a_commit_that_has_not_planned_itself_is_not_green",
        ),
    ),
    Attack(
        tries="break the policy, then merge anything behind the neutral checks of its repair",
        ends="the checks are neutral only where the policy in force is not valid, the pull request makes it valid, git finds no other file changed, and it is not from a fork",
        tests=(
            "tests/e2e/test_policy_checks.py::test_a_repair_that_changes_more_gets_no_neutral_checks",
            "tests/e2e/test_policy_checks.py::test_another_broken_policy_repairs_nothing",
            "tests/e2e/test_policy_checks.py::test_a_repair_from_a_fork_gets_no_neutral_checks",
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
        ends="`codeowners`: the import waits for an approval of its own, and the code for a new one",
        tests=(f"{_OPERATIONS}::test_an_import_needs_an_approval_of_its_own_and_takes_that_of_the_code",),
    ),
    Attack(
        tries="get an approval before there is a plan to read",
        ends="`codeowners`: it is of no plan",
        tests=(f"{_CODEOWNERS}::test_an_approval_given_before_the_plan_is_of_no_plan",),
    ),
    Attack(
        tries="approve as the author, or as somebody who pushed to the pull request",
        ends="`codeowners`: nobody approves what they made",
        tests=(
            f"{_CODEOWNERS}::test_the_author_cannot_approve",
            f"{_CODEOWNERS}::test_who_pushed_cannot_approve",
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
        tries="use the approval of somebody who has left the owning team, or lost write access, since",
        ends="`codeowners`: rights and membership are asked anew before each apply",
        tests=(f"{_ATTACKS}::test_who_is_no_owner_any_more_opens_nothing_by_an_earlier_approval",),
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
            "tests/e2e_input/test_policy.py::test_a_pull_request_is_judged_by_the_policy_of_the_default_branch",
        ),
    ),
    Attack(
        tries="edit a comment into a command, or hide one in a quote or a code block",
        ends="it is no command",
        tests=(
            f"{_COMMANDS}::test_an_edited_comment_is_no_command",
            f"{_COMMANDS}::test_what_is_no_command_of_ours_is_left_alone",
        ),
    ),
    Attack(
        tries="apply without the right, or with one that was withdrawn since the plan",
        ends="`permission`: it is asked anew before each apply",
        tests=(
            f"{_COMMANDS}::test_who_may_not_write_can_neither_plan_nor_apply",
            f"{_COMMANDS}::test_a_right_that_was_taken_away_counts_no_more",
        ),
    ),
    Attack(
        tries="apply before a check that the base branch requires has reported, or report it green under its name",
        ends="`checks`: what branch protection or a ruleset requires is missed, and counts from the App that they name",
        tests=(
            f"{_PROMOTION}::test_each_gate_alone_keeps_prod_shut",
            f"{_COMMIT_CHECKS}::test_a_check_that_a_ruleset_requires_is_missed_until_it_is_reported",
            f"{_COMMIT_CHECKS}::test_a_check_that_must_come_from_an_app_is_not_opened_by_another",
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
        ends="`promoted`: what was verified is not there any more",
        tests=(f"{_PROMOTION}::test_staging_applied_from_elsewhere_in_between_shuts_prod",),
    ),
    Attack(
        tries="swap or damage the stored plan or its directory",
        ends="`integrity`",
        tests=(
            "tests/e2e_input/test_stored_plans.py::test_a_plan_that_was_changed_in_the_store_is_not_applied",
        ),
    ),
    Attack(
        tries="have another plan saved than the one that Terraform makes: of code that nobody reviewed, or of another state",
        ends="`unsafe_tree`: the code that is packed in a plan file, and its state, are compared with the reviewed ones",
        tests=(
            "tests/integration/terraform/test_hostile_plans.py::test_a_plan_of_other_code_or_of_another_state_is_refused",
            "tests/integration/terraform/test_saved_plan.py::test_what_is_no_plan_is_refused_without_harm",
        ),
    ),
    Attack(
        tries="have an apply get another program for a provider than the plan, by a lock file without hashes",
        ends="`unsafe_tree`, with the names of the providers",
        tests=(
            "tests/integration/terraform/test_initialisation.py::test_a_locked_provider_that_nothing_is_compared_with_is_refused",
        ),
    ),
    Attack(
        tries="move a module so that the destroy of a pull request's environment runs it with the keys of an apply",
        ends="a destroy is made with the modules that were applied",
        tests=(
            "tests/e2e_inputs/test_moving_modules.py::test_a_destroy_is_made_with_the_modules_that_were_applied",
        ),
    ),
    Attack(
        tries="have a plan saved that was made with other values than those that were given",
        ends="`unsafe_tree`; what the var file says is compared by the engine when it applies",
        tests=(
            "tests/integration/terraform/test_hostile_plans.py::test_a_plan_with_other_values_than_it_was_given_is_refused",
            "tests/integration/terraform/test_hostile_plans.py::test_a_plan_with_another_value_than_that_of_the_var_file_is_not_applied",
        ),
    ),
    Attack(
        tries="change the state between plan and apply",
        ends="`state_moved`",
        tests=("tests/e2e/test_stale_plans.py::test_a_state_that_was_changed_elsewhere_closes_the_way",),
    ),
    Attack(
        tries="apply a part of a release to staging with `-target`, and promote all of it",
        ends="`promoted`: a part, and the checks of it, say nothing of the rest",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_a_part_of_a_release_that_was_applied_and_verified_promotes_nothing",
        ),
    ),
    Attack(
        tries="keep code out of sight behind a symbolic link, so that a change of it is neither planned nor verified",
        ends="what lies behind a link is an input of the stack that has the link, a linked project directory too",
        tests=(
            "tests/unit/services/test_linked_inputs.py::test_what_lies_behind_a_link_is_an_input",
            "tests/unit/services/test_linked_inputs.py::test_the_directory_of_a_project_may_itself_be_a_link",
            "tests/unit/domain/test_links.py::test_a_change_is_seen_through_links",
            "tests/unit/domain/test_input_paths.py::test_what_changes_the_digest_touches_the_stack",
        ),
    ),
    Attack(
        tries='change a file that the code reads from elsewhere (`file("../x")`), and promote it as what was verified before it',
        ends="`promoted`, `undiverged`: what the texts of the code name outside of its directory is a part of the release",
        tests=(
            "tests/unit/domain/test_reached_paths.py::test_a_file_that_the_code_reads_from_elsewhere_is_an_input",
            "tests/unit/domain/test_reached_paths.py::test_so_is_what_a_called_module_reads",
        ),
    ),
    Attack(
        tries="read a file by a path that only Terraform can compute, and change that file between staging and prod",
        ends="it is not there: a run gets what its inputs digest counts and its own var file, and the failed plan names the line that `when_modified` lacks",
        tests=(
            f"{_COMPUTED}::test_a_computed_path_fails_until_the_policy_names_it",
            f"{_COMPUTED}::test_a_push_of_the_named_file_alone_is_not_promoted",
            "tests/unit/domain/test_input_paths.py::test_the_digest_changes_with_every_entry_and_nothing_else",
            "tests/integration/terraform/test_omitted_files.py::test_a_computed_path_is_named_by_the_error",
        ),
    ),
    Attack(
        tries="read the var file of another environment, under its own name, by a link or from the project's directory",
        ends="it is not there: var files of other environments are absent wherever they lie",
        tests=(
            "tests/unit/domain/test_input_paths.py::test_a_run_gets_its_own_var_file_and_no_other",
            "tests/unit/domain/test_input_paths.py::test_links_bring_what_they_stand_for",
            "tests/unit/domain/test_input_paths.py::test_the_target_of_a_var_file_stays_away_from_others",
        ),
    ),
    Attack(
        tries="take code away from prod by making the var file of another environment a link to it",
        ends="only what may be called a var file is kept back behind such a link",
        tests=("tests/unit/domain/test_input_paths.py::test_a_var_file_that_is_a_link_takes_no_code_away",),
    ),
    Attack(
        tries="move a module (`?ref=main`), a version range or an unlocked provider between staging and prod",
        ends="`promoted`: the content of fetched modules and the versions of providers are a part of the release; what can move is named in the plan comment",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_the_same_code_with_other_modules_promotes_nothing",
            "tests/unit/domain/test_fetched.py::test_the_digest_changes_with_what_was_fetched",
            "tests/unit/domain/test_fetched.py::test_a_module_that_can_move_is_named",
            "tests/integration/database/test_verified_again.py::test_the_same_inputs_are_verified_again_with_other_modules",
        ),
    ),
    Attack(
        tries="promote what an older version has verified, without a record of what was fetched",
        ends="`promoted`: `/plan` of the environment before, without changes, verifies it again",
        tests=(
            "tests/unit/services/test_promotion_facts.py::test_a_release_of_an_older_version_promotes_nothing_until_it_is_planned_again",
        ),
    ),
    Attack(
        tries="merge while a module has moved since the last plan, and have `after_merge: apply` apply it",
        ends="nothing is applied by itself: the plan of the merge must be made of what was planned before, fetched modules too",
        tests=(
            "tests/unit/services/test_judging_a_merge.py::test_a_merge_applies_no_code_that_nobody_saw_planned",
        ),
    ),
    Attack(
        tries="change a file that only `when_modified` names, and promote it as what was verified before it",
        ends="`promoted`, `undiverged`: what is to start a plan is a part of the release",
        tests=("tests/unit/domain/test_selection.py::test_what_is_to_start_a_plan_is_a_part_of_the_release",),
    ),
    Attack(
        tries="take back what others have merged with a crosswise merge, whose difference does not show it",
        ends="with several merge bases, what the merge would change in the base counts as changed: planned, and owned",
        tests=(
            "tests/integration/workspace/test_merge.py::test_a_merge_that_drops_what_one_of_two_bases_brought_has_changed_it",
        ),
    ),
    Attack(
        tries="push while the delivery of it is lost, and apply the older plan",
        ends="`head_moved`: the head is read from GitHub, not from deliveries",
        tests=("tests/e2e/test_stale_plans.py::test_a_push_whose_delivery_was_lost_still_closes_the_way",),
    ),
    Attack(
        tries="aim a pull request at a branch of their own, which nobody reviews, and plan or apply it from there",
        ends="`base`: only the default branch and the policy's `branches` are served",
        tests=(
            "tests/e2e/test_plan_on_push.py::test_another_base_makes_every_plan_void",
            "tests/unit/domain/test_gates.py::test_one_wrong_fact_shuts_exactly_its_gate",
        ),
    ),
    Attack(
        tries="close the pull request during its apply",
        ends="the apply ends in order, the stack stays locked, everything later is refused: `pull_closed`",
        tests=(
            "tests/e2e/test_merges.py::test_a_pull_request_closed_while_it_is_applied_is_applied_to_its_end",
        ),
    ),
    Attack(
        tries="free what a pull request has applied, or end a revert's hold, by merging it into a branch of their own",
        ends="a merge counts only into a branch that the policy serves; for a revert's hold, only into the default branch",
        tests=(
            "tests/integration/database/test_merges_elsewhere.py::test_what_a_pull_request_has_applied_stays_held_where_it_is_merged_into_an_unserved_branch",
            "tests/integration/database/test_merges_elsewhere.py::test_a_revert_is_completed_by_a_merge_into_the_default_branch_alone",
        ),
    ),
    Attack(
        tries="open `hold` with an override while the operator has stopped everything, or use it against a later hold",
        ends="`hold`: two owners open what they knew when they agreed, and never the stop",
        tests=(
            "tests/unit/services/test_overridden_holds.py::test_two_owners_open_the_holds_that_they_knew_and_no_stop",
        ),
    ),
    Attack(
        tries="get the first owner's override, push another change, and have the second owner repeat it",
        ends="the second has asked anew: both must have had the plan before them",
        tests=(
            "tests/integration/database/test_override_wishes.py::test_who_had_another_plan_before_them_opens_nothing_for_a_later_one",
        ),
    ),
    Attack(
        tries="race for an environment with two pull requests",
        ends="one has it, the other waits in line",
        tests=(
            "tests/e2e_envs/test_pull_request_environments.py::test_two_pull_requests_race_for_test_and_the_others_wait_in_line",
        ),
    ),
    Attack(
        tries="replay a delivery, also under another id, also after the merge",
        ends="a wish is carried out once",
        tests=(
            "tests/e2e/test_deliveries.py::test_what_is_replayed_after_the_merge_changes_nothing",
            "tests/e2e/test_deliveries.py::test_one_comment_in_two_deliveries_runs_once",
        ),
    ),
    Attack(
        tries="merge what was not reviewed, or a provisioner that shows in no plan, so that the merge applies it",
        ends="it is compared, the code and values too, told in the closeout, and not applied",
        tests=(
            "tests/e2e/test_merges.py::test_what_was_not_reviewed_is_not_applied_by_a_merge",
            "tests/unit/services/test_judging_a_merge.py::test_a_merge_applies_no_code_that_nobody_saw_planned",
        ),
    ),
    Attack(
        tries="get around the owners with a revert, which waits for no approval",
        ends="`codeowners`: who applies it owns the environment or is on call",
        tests=(
            "tests/e2e_revert/test_revert.py::test_prod_is_reverted_by_an_owner_or_who_is_on_call",
            "tests/unit/domain/test_gates_reverts.py::test_what_still_shuts_a_revert",
        ),
    ),
    Attack(
        tries="have code that nobody approved planned where it changes nothing, so that a later revert goes back to it",
        ends="a revert goes back to what was applied or merged, where either left the same in place",
        tests=("tests/unit/domain/test_revert.py::test_a_revert_goes_to",),
    ),
    Attack(
        tries="go back to a source that was swapped in the store",
        ends="`integrity`",
        tests=("tests/e2e_revert/test_revert.py::test_what_stands_in_the_way_of_a_revert_is_said",),
    ),
    Attack(
        tries="run code from a fork",
        ends="`fork`, until a maintainer allows exactly that commit",
        tests=(
            f"{_TREES}::test_nothing_runs_for_a_fork",
            "tests/e2e_envs/test_forks.py::test_a_maintainer_allows_one_commit_of_a_fork_and_the_next_push_needs_it_anew",
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
        tries="have everything destroyed by moving the files of a root module away, with a merge or without",
        ends="`no_configuration`: it is never planned; the refusal says how a stack is taken down",
        tests=(
            f"{_UNPLANNABLE}::test_a_module_without_its_files_destroys_nothing",
            f"{_UNPLANNABLE}::test_a_merge_alone_of_a_module_without_its_files_destroys_nothing",
            f"{_UNFETCHED}::test_going_back_to_such_a_release_is_refused",
            "tests/unit/domain/test_plannable.py::test_a_root_module_without_any_block_is_not_planned",
            "tests/e2e_local/test_local.py::test_a_module_without_its_files_is_not_planned",
        ),
    ),
    Attack(
        tries="have something destroyed, or a pointer deployed, by a submodule or Git LFS in the place of what is called or read",
        ends="`unfetched_content`, with the paths",
        tests=(
            f"{_UNPLANNABLE}::test_a_called_module_that_became_a_submodule_destroys_nothing",
            f"{_UNPLANNABLE}::test_a_pointer_to_a_large_file_is_not_taken_for_the_file",
            f"{_UNFETCHED}::test_content_that_git_does_not_hold_is_refused_by_its_paths",
            "tests/unit/domain/test_plannable.py::test_a_submodule_among_the_inputs_is_found",
            "tests/unit/domain/test_plannable.py::test_a_submodule_is_found_through_links",
            "tests/unit/domain/test_plannable.py::test_a_pointer_is_told_from_a_file",
            "tests/e2e_local/test_local.py::test_content_that_is_not_in_the_repository_is_not_planned",
        ),
    ),
    Attack(
        tries="merge before anybody can read the plan, so that the merge destroys what none has shown",
        ends="nothing is applied; the closeout names the addresses",
        tests=(
            "tests/e2e/test_merges.py::test_a_plan_that_nobody_could_read_before_the_merge_destroys_nothing",
            "tests/integration/database/test_syncs_and_locks.py::test_a_merge_applies_only_what_a_posted_plan_has_shown",
            "tests/unit/domain/test_reviewed.py::test_what_is_lost_without_having_been_shown_is_found_by_address",
        ),
    ),
    Attack(
        tries="have a permanent environment applied or destroyed by what was begun while it had a `lifecycle`",
        ends="it is refused, and left to a person",
        tests=(
            "tests/unit/services/test_lasting.py::test_nothing_is_applied_automatically_where_an_environment_stays",
            "tests/unit/services/test_lasting.py::test_what_has_come_to_stay_is_not_destroyed",
        ),
    ),
    Attack(
        tries="smuggle Terraform code, or another change, into the plan of an `/import` or `/state rm`",
        ends="an address is refused unless it is nothing but one; an id is text; a plan that would do more is not kept",
        tests=(
            "tests/unit/domain/test_state_operations.py::test_what_is_no_address_is_never_declared",
            "tests/unit/domain/test_state_operations.py::test_no_id_ends_its_text_or_is_evaluated",
            "tests/unit/domain/test_state_operations.py::test_whatever_it_would_do_besides_is_found",
            "tests/e2e_state/test_state_operations.py::test_an_object_leaves_the_state_and_comes_back_by_reviewed_plans_alone",
        ),
    ),
    Attack(
        tries="read the bot's environment, files, database or processes from Terraform code",
        ends="there is nothing to read: the sandbox shows neither",
        tests=(
            f"{_HOSTILE}::test_code_of_a_plan_sees_only_its_own_environment_and_files",
            f"{_PRYING}::test_code_that_is_applied_can_reach_nothing_of_the_bot_or_of_others",
        ),
    ),
    Attack(
        tries="have an older state restored without being an administrator, unread, or under another pull request's lock",
        ends="`permission`, `unconfirmed`, `locked`",
        tests=(
            "tests/e2e/test_state_restore.py::test_an_older_state_is_restored_and_only_a_plan_made_after_it_goes_on",
        ),
    ),
    Attack(
        tries="read another environment's state, or the bot's bucket, from Terraform code",
        ends="the store refuses the key pair that the code has",
        tests=(
            f"{_HOSTILE}::test_a_plan_of_staging_cannot_read_the_state_of_prod",
            f"{_PRYING}::test_an_apply_of_staging_reaches_neither_the_state_of_prod_nor_the_bots_bucket",
        ),
    ),
    Attack(
        tries="put another plan, a link, a pipe or a device in the place of the saved plan, while it is planned",
        ends="one copy is taken out of the code's reach: that one is shown, stored and applied, or the run fails",
        tests=(
            f"{_PLANS}::test_what_is_shown_is_what_is_stored_and_applied",
            f"{_PLANS}::test_what_is_no_plan_is_refused_whatever_it_is",
            f"{_PLANS}::test_a_plan_that_was_led_elsewhere_is_a_clean_failure",
            f"{_PROGRAMS}::test_a_plan_that_is_no_plain_file_is_not_taken",
        ),
    ),
    Attack(
        tries="save a plan of the reviewed code with other values, which a provisioner alone uses, or of some resources alone",
        ends="`tree_changed`: what the environment and the code's defaults give is compared, and Terraform compares the var file when it applies",
        tests=(
            f"{_PLANS}::test_a_plan_of_other_code_or_of_another_state_is_refused",
            "tests/unit/domain/test_plan_variables.py::test_another_value_is_found_by_its_name",
            "tests/integration/terraform/test_inputs.py::test_a_var_file_that_was_changed_after_the_plan_fails_the_apply",
        ),
    ),
    Attack(
        tries="rewrite a reviewed file while it is planned, also with its size and time kept, so that the apply runs it",
        ends="the run fails with the paths, and an apply starts from what git has",
        tests=(
            f"{_LEFT}::test_a_changed_file_is_found_by_its_name",
            f"{_PLANS}::test_a_plan_that_changes_files_leaves_nothing_to_anybody",
            f"{_PROGRAMS}::test_a_reviewed_script_that_is_rewritten_while_planning_fails_the_plan",
        ),
    ),
    Attack(
        tries="add a file while it is planned that Terraform or git reads by its name, or a link out of the tree",
        ends="the run fails; other files go to the plan's own apply, and are named",
        tests=(
            f"{_LEFT}::test_a_name_that_terraform_or_git_would_read_is_refused",
            f"{_LEFT}::test_a_link_out_of_the_tree_is_refused",
            f"{_PROGRAMS}::test_files_that_terraform_or_git_would_read_are_not_accepted",
            f"{_PROGRAMS}::test_files_that_a_plan_adds_are_named_and_reach_its_own_apply_alone",
        ),
    ),
    Attack(
        tries="leave something for a later step, run or pull request, wherever a plan can write",
        ends="no later step sees it: each has a sandbox of its own",
        tests=(f"{_PLANS}::test_no_later_step_sees_what_a_plan_wrote",),
    ),
    Attack(
        tries="change the modules that the next pull request's plan or an apply will use, by git hooks or directly",
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
        tries="print the words by which Terraform asks for an initialisation",
        ends="the plan is repeated once, in an empty directory",
        tests=(f"{_PLANS}::test_code_that_asks_for_init_is_planned_once_more",),
    ),
    Attack(
        tries="fill a working directory, or make it unreadable, so that nobody can use it again",
        ends="it is emptied, or kept aside where a state may be in it",
        tests=(
            "tests/integration/workspace/test_slots.py::test_a_slot_crowded_by_a_plan_is_used_again",
            "tests/integration/workspace/test_slots.py::test_a_slot_crowded_by_a_change_is_kept",
        ),
    ),
    Attack(
        tries="break out of a comment with plan output, or mention people with it",
        ends="text stays text",
        tests=(f"{_HOSTILE}::test_text_of_a_plan_stays_text",),
    ),
    Attack(
        tries="have other inputs applied than were planned: a variable that the server gives to one purpose alone",
        ends="`inputs_differ`, by the names of the settings, when it is planned and again when it is applied",
        tests=(
            f"{_INPUTS}::test_a_variable_of_applies_alone_is_refused_by_name",
            f"{_INPUTS}::test_a_difference_that_came_after_the_plan_refuses_the_apply",
            "tests/e2e_local/test_local.py::test_another_variable_for_applies_is_refused_by_name",
        ),
    ),
    Attack(
        tries="hide from that what the module declares: `ephemeral` by an expression, an override file, or a name that cannot be read",
        ends="only what plainly says `ephemeral = true` everywhere may differ",
        tests=(
            "tests/unit/domain/test_variables.py::test_a_difference_is_refused_unless_it_has_no_effect",
            "tests/unit/domain/test_variables.py::test_an_override_file_that_takes_ephemeral_back_counts",
            "tests/unit/domain/test_variables.py::test_only_the_files_that_the_engine_reads_count",
        ),
    ),
    Attack(
        tries="change the var file after the plan, where an apply is given it again for its ephemeral variables",
        ends="Terraform refuses to apply another value of any other variable",
        tests=(
            "tests/integration/terraform/test_inputs.py::test_a_var_file_that_was_changed_after_the_plan_fails_the_apply",
        ),
    ),
    Attack(
        tries="read from code that is planned the token with which `init` fetches private modules, or that of a registry",
        ends="no step but `init` is given one, and `init` is given no other credentials",
        tests=(
            f"{_MODULES}::test_private_modules_are_fetched_with_a_token_of_init_alone",
            "tests/integration/terraform/test_inputs.py::test_init_and_the_other_steps_are_given_different_credentials",
        ),
    ),
    Attack(
        tries="have `init` send that token elsewhere, or fetch a private repository that is not listed",
        ends="it is sent to GitHub's address alone, which may not redirect, and reads the listed repositories alone",
        tests=(
            f"{_MODULES}::test_a_token_for_modules_reaches_no_other_server",
            f"{_MODULES}::test_a_private_module_that_is_not_listed_cannot_be_fetched",
            "tests/integration/workspace/test_module_access.py::test_the_token_follows_no_redirection",
        ),
    ),
)

PROMISES: Final = (
    Promise(
        promise="Deliveries count only with their HMAC-SHA256; a body is bounded before it is read",
        kept_in=("bot/web/webhook.py", "bot/events.py"),
        tests=(
            "tests/e2e_input/test_webhooks.py::test_a_command_counts_only_when_it_is_signed_with_the_secret",
            "tests/e2e_input/test_webhooks.py::test_a_body_above_25_mb_is_refused_whether_it_says_so_or_not",
        ),
    ),
    Promise(
        promise="Argv only: no shell, and Terraform arguments from an allow list",
        kept_in=("bot/domain/terraform_arguments.py", "bot/adapters/terraform/argv.py"),
        tests=(f"{_COMMANDS}::test_an_argument_that_is_not_allowed_is_refused_by_name",),
    ),
    Promise(
        promise="Terraform gets a minimal environment, a HOME of its own, and no token or secret of the bot",
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
        promise="Plans and applies are given the same variables; `init` has other credentials than every other step",
        kept_in=(
            "bot/services/plan_inputs.py",
            "bot/domain/variables.py",
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
        promise="Data is copied against the direction of changes only, never into prod, by a command of the default branch"
        " that is given the other environment's outputs and none of its credentials",
        kept_in=("bot/policy/refreshes.py", "bot/services/refreshing.py"),
        tests=(
            "tests/unit/test_policy_refreshes.py::test_a_refresh_that_cannot_be_is_a_problem_with_its_line",
            "tests/e2e_envs/test_data_refresh.py::test_a_refresh_is_told_when_it_fails_and_when_it_works_again",
        ),
    ),
    Promise(
        promise="Terraform runs in a sandbox that was proved at the start, and the bot's memory is unreadable",
        kept_in=("bot/adapters/terraform/sandbox.py", "bot/adapters/hardening.py"),
        tests=(
            "tests/integration/terraform/test_isolation.py::test_the_sandbox_proves_that_it_works",
            "tests/integration/security/test_hardening.py::test_another_process_of_the_user_reads_nothing_of_a_hardened_one",
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
        promise="Tokens are short-lived, narrowed to the repository, and reach git by its environment alone",
        kept_in=(
            "bot/adapters/github/credentials.py",
            "bot/domain/git_access.py",
            "bot/adapters/workspace/git.py",
        ),
        tests=(
            "tests/integration/workspace/test_fetch.py::test_the_token_reaches_the_origin_and_nothing_else",
            "tests/integration/github/test_tokens.py::test_a_token_is_narrowed_to_the_repository_that_was_meant_and_not_to_its_name",
        ),
    ),
    Promise(
        promise="Secrets reach no log, comment, page, exception or database",
        kept_in=("bot/domain/redaction.py", "bot/domain/sensitive.py"),
        tests=(
            "tests/e2e_input/test_secrets.py::test_no_secret_is_in_any_log_comment_page_database_or_readable_object",
        ),
    ),
    Promise(
        promise="Plans and their directories are stored encrypted, and checked bit for bit before they are used",
        kept_in=("bot/adapters/encryption.py", "bot/services/applying.py"),
        tests=(
            "tests/e2e_input/test_stored_plans.py::test_a_plan_that_was_changed_in_the_store_is_not_applied",
        ),
    ),
    Promise(
        promise="Policy and CODEOWNERS come from the default branch, never from the pull request",
        kept_in=("bot/services/policies.py", "bot/services/ownership.py"),
        tests=(f"{_PROMOTION}::test_a_policy_of_the_pull_request_itself_opens_nothing",),
    ),
    Promise(
        promise="Every gate is judged anew just before Terraform starts; what cannot be read shuts its gate",
        kept_in=("bot/services/judging.py", "bot/services/gate_facts.py"),
        tests=(
            f"{_PROMOTION}::test_each_gate_alone_keeps_prod_shut",
            f"{_CODEOWNERS}::test_reviews_that_cannot_be_read_shut_the_gate",
        ),
    ),
    Promise(
        promise="Pages need a GitHub login with read access; for everybody else there is nothing there",
        kept_in=("bot/web/access.py", "bot/web/sessions.py"),
        tests=(
            "tests/integration/web/test_run_pages.py::test_who_may_not_read_the_repository_is_told_that_there_is_no_such_run",
            "tests/integration/web/test_run_acts.py::test_for_an_outsider_there_is_nothing_to_act_on",
        ),
    ),
    Promise(
        promise="`/metrics` is for the bearer of its token",
        kept_in=("bot/web/health.py",),
        tests=("tests/integration/web/test_health.py::test_metrics_without_the_token_are_refused",),
    ),
)


def attacks() -> str:
    """Return the table of attacks."""
    rows = [(attack.tries, attack.ends, _named(attack.tests)) for attack in ATTACKS]
    return table(("Somebody tries to", "How it ends", "Tried in"), rows)


def promises() -> str:
    """Return the table of promises."""
    rows = [
        (one.promise, ", ".join(f"`{path}`" for path in one.kept_in), _named(one.tests)) for one in PROMISES
    ]
    return table(("Promise", "Kept in", "Tried in"), rows)


def _named(tests: tuple[str, ...]) -> str:
    return ", ".join(f"[{name.partition('::')[2]}](../{name.partition('::')[0]})" for name in tests)
