from __future__ import annotations

import io

from rich.console import Console

from bot.playground.shown import show

_BODY = """<!-- gatewright {"kind": "plan"} -->
### staging: 1 to add

<details><summary>Diff of 1 resource</summary>

```diff
+ resource "terraform_data" "web"
```

</details>

**Next**
- To see what the code makes of it now that the state was restored, on an open pull request, comment `/plan rehearsal`.
"""


def _printed(body: str) -> str:
    # As the playground's own: what it prints about itself is not wrapped.
    out = Console(file=io.StringIO(), width=80, soft_wrap=True)
    show(out, body)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_long_line_is_wrapped_to_its_end_where_command_stands() -> None:
    printed = _printed(_BODY)

    assert "comment /plan rehearsal." in " ".join(printed.split())
    assert max(len(line) for line in printed.splitlines()) <= 80


def test_what_is_folded_in_comment_is_shown_by_its_heading() -> None:
    printed = _printed(_BODY)

    assert "▸ Diff of 1 resource" in printed
    assert "terraform_data" not in printed
    assert "Next" in printed


def test_what_is_for_programs_is_not_shown() -> None:
    assert "kind" not in _printed(_BODY)
