# Checks warn; they never stop an apply. Gatewright reports them after it.

check "capacity" {
  assert {
    condition     = !contains(["staging", "prod"], var.environment) || var.instance_count >= 2
    error_message = "${var.environment} should run at least two instances, so that one of them may fail."
  }
}

check "finished_message" {
  assert {
    condition     = !can(regex("(?i)\\b(todo|lorem ipsum)\\b", var.message))
    error_message = "The message reads like a placeholder."
  }
}
