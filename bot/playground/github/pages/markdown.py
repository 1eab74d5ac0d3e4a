"""Comments as GitHub shows them: Markdown with tables, alerts and some HTML, made harmless."""

import html
import re
from collections.abc import Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

ALERTS = ("note", "tip", "important", "warning", "caution")
_ALERT = re.compile(r"\[!(\w+)\]\s*(?:\n|$)")
_CLASSES = {
    "pre": {"code"},
    "span": {"line-add", "line-del", "line-hunk", "line"},
    "blockquote": {"alert", *(f"alert-{name}" for name in ALERTS)},
}
_TAGS = nh3.ALLOWED_TAGS | {"details", "summary", "input", "del", "sub", "sup", "kbd"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "details": {"open"},
    "th": {"align", "colspan", "rowspan"},
    "td": {"align", "colspan", "rowspan"},
}


def _fence(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    """A code block; the lines of a diff carry a class for their colour."""
    token = tokens[index]
    if token.info.strip().split(" ")[0] != "diff":
        return f'<pre class="code"><code>{html.escape(token.content)}</code></pre>\n'
    lines = "".join(diff_line(line) for line in token.content.rstrip("\n").split("\n"))
    return f'<pre class="code"><code>{lines}</code></pre>\n'


def diff_line(line: str) -> str:
    """One line of a diff as HTML."""
    kind = {"+": "line-add", "-": "line-del", "@": "line-hunk", "!": "line-hunk"}.get(line[:1], "line")
    return f'<span class="{kind}">{html.escape(line)}\n</span>'


def _alerts(state: StateCore) -> None:
    """`> [!WARNING]` becomes a coloured box, as on GitHub."""
    for index, token in enumerate(state.tokens[:-2]):
        inline = state.tokens[index + 2]
        if token.type != "blockquote_open" or inline.type != "inline":
            continue
        found = _ALERT.match(inline.content)
        name = found.group(1).lower() if found else ""
        if found is None or name not in ALERTS or inline.children is None:
            continue
        token.attrSet("class", f"alert alert-{name}")
        title = Token("html_inline", "", 0, content=f"<strong>{name.capitalize()}</strong>")
        rest = inline.children[1:]
        inline.children = [title, *rest] if rest else [title]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable(["table", "strikethrough"])
    parser.core.ruler.push("alerts", _alerts)
    parser.add_render_rule("fence", _fence)
    return parser


_PARSER = _parser()


@lru_cache(maxsize=512)
def render(text: str) -> str:
    """Safe HTML of a comment. Scripts, styles, events, comments and foreign classes are gone."""
    return nh3.clean(
        _PARSER.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
    )
