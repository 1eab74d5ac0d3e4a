from __future__ import annotations

from inline_snapshot import snapshot

from bot.comments.runs.errored_state import InBucket, RescueView, rescue_part
from tests.fakes.records import builders


def view(**changes: object) -> RescueView:
    given: dict[str, object] = {
        "stack": builders.plan().stack,
        "machine": "worker-2",
        "path": "/srv/gatewright/errored/it's here/errored.tfstate",
        "serial": 8,
        "bucket": "states",
        "region": "auto",
        "endpoint": "https://account.example.com",
        "lock_id": "1b9b6c4e-0000-4444-8888-0123456789ab",
        "in_bucket": InBucket.OLDER,
    }
    return RescueView(**(given | changes))  # type: ignore[arg-type]


def test_nothing_to_recover_says_nothing() -> None:
    assert rescue_part(()) == ""


def test_the_commands_that_recover_a_state_can_be_pasted() -> None:
    assert rescue_part((view(),)) == snapshot("""\
> [!CAUTION]
> **staging: Terraform could not save serial 8 of the state.** What it knows is kept on Gatewright's machine `worker-2` and is never deleted. Apply nothing before an operator has recovered it there, with a key pair that may write this state in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`:

```
cd "$(mktemp -d)"
cat > backend.tf <<'EOF'
terraform {
  backend "s3" {
    bucket = "states"
    key = "staging/terraform.tfstate"
    region = "auto"
    use_path_style = true
    use_lockfile = true
    skip_s3_checksum = true
    skip_credentials_validation = true
    skip_metadata_api_check = true
    skip_region_validation = true
    skip_requesting_account_id = true
    endpoints = { s3 = "https://account.example.com" }
  }
}
EOF
export AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
terraform init -input=false
terraform force-unlock -force 1b9b6c4e-0000-4444-8888-0123456789ab
terraform state push '/srv/gatewright/errored/it'"'"'s here/errored.tfstate'
```

""")


def test_a_lock_that_is_free_is_not_released() -> None:
    assert "force-unlock" not in rescue_part((view(lock_id=None),))


def test_where_there_is_no_state_second_push_depends_on_first() -> None:
    told = rescue_part((view(in_bucket=InBucket.MISSING, path="/srv/errored.tfstate"),))

    assert (
        "terraform state push /srv/errored.tfstate && terraform state push -force /srv/errored.tfstate\n"
        in told
    )
    assert "There is no state in the bucket" in told


def test_harmful_push_is_answered_with_the_place_and_no_command() -> None:
    told = rescue_part((view(in_bucket=InBucket.UNKNOWN, path="/srv/errored.tfstate"),))

    assert "`/srv/errored.tfstate`" in told
    assert "terraform" not in told
