"""The check run for the code of a stack: formatting, validation and tests."""

from __future__ import annotations

from bot.comments.checks.checks import CheckText, Conclusion
from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, prose
from bot.comments.markdown.words import counted
from bot.domain.plans.code_findings import CodeReport

_WORDS = {"fmt": "`terraform fmt`", "validate": "`terraform validate`", "test": "`terraform test`"}


def code_check(report: CodeReport) -> CheckText:
    """Return the check run; its annotations are the findings."""
    wrong = [name for name, said in report.outcomes.items() if said]
    rows = [
        Part(text=f"| {_WORDS[name]} | {'❌ ' + prose(said, limit=200) if said else '✅'} |\n", drop=Drop.ROW)
        for name, said in report.outcomes.items()
    ]
    found = [
        Part(text=f"- {code(f'{one.path}:{one.line}')}: {prose(one.message, limit=300)}\n", drop=Drop.DETAIL)
        for one in report.findings
    ]
    title = (
        f"{', '.join(wrong)}: {counted(len(report.findings), 'finding')}"
        if wrong
        else "fmt, validate and test passed"
    )
    return CheckText(
        conclusion=Conclusion.FAILURE if wrong else Conclusion.SUCCESS,
        title=title,
        summary=fit(
            [
                Part(text="| Check | |\n| --- | --- |\n"),
                *rows,
                Part(text="\n"),
                *found,
                Part(text="", is_note=True),
            ]
        ),
    )
