variables {
  environment = "test"
  message     = "Hello"
  release     = "2026.1"
  site_root   = ""
}

run "the_site_tells_what_it_is" {
  command = plan

  assert {
    condition     = strcontains(terraform_data.file["index.html"].input.content, "<p class=\"message\">Hello</p>")
    error_message = "The page must show the message."
  }
  assert {
    condition     = jsondecode(terraform_data.file["health.json"].input.content) == { environment = "test", release = "2026.1", status = "ok" }
    error_message = "The health file must name environment and release."
  }
  assert {
    condition     = output.url == "http://localhost/test/"
    error_message = "The address must end in the environment's directory."
  }
}

run "text_cannot_break_out_of_the_page" {
  command = plan

  variables {
    title   = "<script>alert(1)</script>"
    message = "a & b \"c\" 'd' $(touch /tmp/x) `id`"
  }

  assert {
    condition     = !strcontains(terraform_data.file["index.html"].input.content, "<script>")
    error_message = "The title must be escaped."
  }
  assert {
    condition     = strcontains(terraform_data.file["index.html"].input.content, "a &amp; b &quot;c&quot; &#39;d&#39; $(touch /tmp/x) `id`")
    error_message = "The message must be escaped, and nothing else be done to it."
  }
}

run "without_a_root_nothing_is_written" {
  command = apply

  assert {
    condition     = terraform_data.directory.output == ""
    error_message = "No directory may be made when there is no root."
  }
}

run "every_environment_has_a_directory_of_its_own" {
  command = plan

  variables {
    environment = "ci"
    site_root   = "/srv/sites/"
  }

  assert {
    condition     = terraform_data.directory.input == "/srv/sites/ci"
    error_message = "The directory must be named after the environment."
  }
}

run "instances_and_features_follow_their_variables" {
  command = plan

  variables {
    instance_count = 3
    features       = ["search", "dark_mode"]
  }

  assert {
    condition     = output.instances == tolist(["test-web-1", "test-web-2", "test-web-3"])
    error_message = "There must be three instances."
  }
  assert {
    condition     = toset(keys(terraform_data.feature)) == toset(["search", "dark_mode"])
    error_message = "Both features must be on."
  }
}

run "the_kubeconfig_holds_the_token" {
  command = plan

  variables {
    cluster_token = "a-token-for-this-test"
  }

  assert {
    condition     = yamldecode(output.kubeconfig).users[0].user.token == "a-token-for-this-test"
    error_message = "The kubeconfig must give access."
  }
}
