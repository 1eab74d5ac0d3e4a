variables {
  environment = "test"
  message     = "Hello"
}

run "an_environment_that_is_a_path_is_refused" {
  command = plan

  variables {
    environment = "../prod"
  }

  expect_failures = [var.environment]
}

run "a_relative_root_is_refused" {
  command = plan

  variables {
    site_root = "sites"
  }

  expect_failures = [var.site_root]
}

run "a_root_that_climbs_is_refused" {
  command = plan

  variables {
    site_root = "/srv/../etc"
  }

  expect_failures = [var.site_root]
}

run "a_colour_that_is_no_colour_is_refused" {
  command = plan

  variables {
    colour = "red; } body { display: none"
  }

  expect_failures = [var.colour]
}

run "no_instances_are_refused" {
  command = plan

  variables {
    instance_count = 0
  }

  expect_failures = [var.instance_count]
}

run "half_an_instance_is_refused" {
  command = plan

  variables {
    instance_count = 1.5
  }

  expect_failures = [var.instance_count]
}

run "an_empty_message_is_refused" {
  command = plan

  variables {
    message = "  "
  }

  expect_failures = [var.message]
}

run "a_feature_that_is_no_word_is_refused" {
  command = plan

  variables {
    features = ["search", "Dark Mode"]
  }

  expect_failures = [var.features]
}

run "a_lonely_staging_instance_is_pointed_out" {
  command = plan

  variables {
    environment    = "staging"
    instance_count = 1
  }

  expect_failures = [check.capacity]
}

run "a_placeholder_is_pointed_out" {
  command = plan

  variables {
    message = "TODO: write something"
  }

  expect_failures = [check.finished_message]
}
