from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.comments.markdown.budget import LIMIT, Drop, Part, clip, clip_lines, fit

_NOTE = Part(text="See the run.", is_note=True)


def _part(
    text: str, drop: Drop | None = None, *, group: str | None = None, frame_of: str | None = None
) -> Part:
    return Part(text=text, drop=drop, group=group, frame_of=frame_of)


def test_everything_is_kept_and_no_note_written_while_it_fits() -> None:
    assert fit([_part("a\n"), _part("b\n", Drop.LOW_RISK_DIFF), _NOTE, _part("c\n")]) == "a\nb\nc\n"


def test_parts_are_left_out_in_order_and_only_as_needed() -> None:
    block = "x" * 20_000 + "\n"
    parts = [
        _part("title\n"),
        _part("warning " + block, Drop.WARNING),
        _part("added " + block, Drop.ADDED_ROW),
        _part("diff " + block, Drop.DIFF),
        _part("low " + block, Drop.LOW_RISK_DIFF),
        _NOTE,
        _part("next\n"),
    ]

    body = fit(parts)

    assert "warning x" in body
    assert "added x" in body
    assert "diff x" not in body
    assert "low x" not in body
    assert "_Left out for length: 1 low-risk diff, 1 diff._ See the run.\n\nnext\n" in body


def test_of_equals_the_last_goes_first() -> None:
    rows = [_part(f"row {number} {'x' * 20_000}\n", Drop.ROW) for number in range(5)]

    body = fit([*rows, _NOTE])

    assert [number for number in range(5) if f"row {number} " in body] == [0, 1]
    assert "3 table rows" in body


def test_a_frame_goes_with_the_last_of_its_group() -> None:
    huge = _part("x" * 70_000, Drop.DIFF, group="diffs")

    body = fit(
        [
            _part("top\n"),
            _part("<details>", frame_of="diffs"),
            huge,
            _part("</details>", frame_of="diffs"),
            _NOTE,
        ]
    )

    assert "details" not in body
    assert body.startswith("top\n_Left out")


def test_a_frame_without_any_member_is_not_shown() -> None:
    assert fit([_part("a"), _part("heading", frame_of="nothing")]) == "a"


_parts = st.lists(
    st.builds(
        Part,
        text=st.tuples(st.text(max_size=5), st.integers(0, 30_000)).map(lambda pair: pair[0] * pair[1]),
        drop=st.sampled_from(Drop),
        group=st.sampled_from(["a", "b"]),
    ),
    max_size=20,
)


@given(_parts)
def test_any_comment_fits_and_keeps_what_must_not_be_dropped(parts: list[Part]) -> None:
    body = fit([_part("first line\n"), *parts, _NOTE, _part("next step\n")])

    assert len(body.encode("utf-8", "replace")) <= LIMIT
    assert body.startswith("first line\n")
    assert body.endswith("next step\n")


@given(st.text(max_size=50), st.integers(4, 60))
def test_clipping_keeps_whole_characters(value: str, limit: int) -> None:
    clipped = clip(value, limit)

    assert len(clipped.encode()) <= limit
    assert clipped == value or clipped.endswith("…")


def test_long_text_is_cut_at_lines_with_their_count() -> None:
    text = "one\ntwo\nthree\nfour"

    assert clip_lines(text, 9) == "one\ntwo\n… 2 more lines"
    assert clip_lines(text, 9, keep_end=True) == "… 3 more lines\nfour"
    assert clip_lines(text, 100) == text
    assert clip_lines("x" * 50, 10) == "xxxxxxx…"


def test_frame_of_an_empty_group_makes_room_for_others() -> None:
    # Given a group whose frame is as long as what is too much,
    frame = Part(text="f" * 30_000, frame_of="1")
    inside = Part(text="inside\n", drop=Drop.DIFF, group="1/diffs")
    kept = [Part(text="k" * 30_000, drop=Drop.ROW), Part(text="end\n")]

    # when its only part is omitted,
    body = fit([frame, inside, *kept])

    # then the frame goes with it, and nothing else has to.
    assert body == "k" * 30_000 + "end\n"


def test_outer_frame_stays_while_an_inner_group_has_a_part() -> None:
    # Given
    parts = [
        Part(text="<section>\n", frame_of="1"),
        Part(text="<diffs>\n", frame_of="1/diffs"),
        Part(text="warning\n", drop=Drop.WARNING, group="1/warnings"),
    ]

    # When
    body = fit(parts)

    # Then
    assert body == "<section>\nwarning\n"
