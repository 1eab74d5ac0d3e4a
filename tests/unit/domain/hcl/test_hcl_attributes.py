from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.hcl.attributes import HclBlock, read_hcl


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = 1\nb=2", {"a", "b"}),
        ("a = [\n  1,\n  2,\n]\nb = true\n", {"a", "b"}),
        ('tags = {\n  team = "x"\n  more = { deep = 1 }\n}\nb = 2\n', {"tags", "b"}),
        ("rules = [\n  {\n    port = 1\n  },\n]\n", {"rules"}),
        ("rules = [{ port = 1 }, { port = 2 }]\n", {"rules"}),
        ('text = "c = 1"\n', {"text"}),
        ("text = <<EOT\nc = 1\nEOT\nb = 2\n", {"text", "b"}),
        ("# c = 1\n// d = 2\n/* e = 3 */ a = 1\n", {"a"}),
        ('"quoted" = 1\n', set()),
        ("a = {}\n", {"a"}),
        ("a =", {"a"}),
        ("}} a = 1\n", {"a"}),
        ("", set()),
    ],
)
def test_names_at_the_top_of_a_var_file_are_read(source: str, names: set[str]) -> None:
    assert read_hcl(source).attributes == names


def test_blocks_at_the_top_have_their_labels_and_plain_texts() -> None:
    source = """
terraform { required_version = "1.11.4" }
module "net" {
  source  = "acme/net/aws"
  version = "~> 1.2"
  count   = 2
  name    = "x-${var.env}"
  nested { source = "elsewhere" }
}
module "one_line" { source = "./one" }
locals {
  module = "no block"
}
"""
    assert [block for block in read_hcl(source).blocks if block.type == "module"] == [
        HclBlock(type="module", labels=("net",), texts={"source": "acme/net/aws", "version": "~> 1.2"}),
        HclBlock(type="module", labels=("one_line",), texts={"source": "./one"}),
    ]


@given(st.text(alphabet='ab={}[]"\n$# <-E', max_size=60))
def test_anything_can_be_read(source: str) -> None:
    assert all(name for name in read_hcl(source).attributes)
