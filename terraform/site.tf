# The visible effect: a small site per environment, written where `site_root` says and removed by destroy.
#
# Values reach the shell as environment variables, never as part of the program, so that no value is ever run.
# A changed file is replaced, because Terraform runs these programs when a resource is created or destroyed.

resource "terraform_data" "directory" {
  input            = local.directory
  triggers_replace = local.directory

  provisioner "local-exec" {
    quiet       = true
    interpreter = ["/bin/sh", "-euc"]
    command     = "[ -z \"$DIRECTORY\" ] || mkdir -p -- \"$DIRECTORY\""
    environment = { DIRECTORY = self.input }
  }

  provisioner "local-exec" {
    when        = destroy
    quiet       = true
    interpreter = ["/bin/sh", "-euc"]
    command     = "[ ! -d \"$DIRECTORY\" ] || rmdir -- \"$DIRECTORY\" || echo 'Other files are in it; it stays.'"
    environment = { DIRECTORY = self.input }
  }
}

resource "terraform_data" "file" {
  for_each = local.files

  input = {
    directory = local.directory
    name      = each.key
    content   = each.value
  }
  triggers_replace = [local.directory, sha256(each.value)]

  provisioner "local-exec" {
    quiet       = true
    interpreter = ["/bin/sh", "-euc"]
    command     = <<-SH
      [ -n "$DIRECTORY" ] || exit 0
      mkdir -p -- "$DIRECTORY"
      printf '%s' "$CONTENT" > "$DIRECTORY/$NAME.new"
      mv -- "$DIRECTORY/$NAME.new" "$DIRECTORY/$NAME"
    SH
    environment = {
      DIRECTORY = self.input.directory
      NAME      = self.input.name
      CONTENT   = self.input.content
    }
  }

  provisioner "local-exec" {
    when        = destroy
    quiet       = true
    interpreter = ["/bin/sh", "-euc"]
    command     = "[ -z \"$DIRECTORY\" ] || rm -f -- \"$DIRECTORY/$NAME\" \"$DIRECTORY/$NAME.new\""
    environment = {
      DIRECTORY = self.input.directory
      NAME      = self.input.name
    }
  }

  depends_on = [terraform_data.directory]
}
