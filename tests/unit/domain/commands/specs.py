"""The specs of all commands."""

from __future__ import annotations

from bot.domain.commands.parser import CommandSpec, Parameter, ParameterKind

ENV = Parameter(kind=ParameterKind.ENV)
ANY_ENV = Parameter(kind=ParameterKind.ENV, required=False)


def _spec(usage: str, *parameters: Parameter, arguments: bool = False, name: str = "") -> CommandSpec:
    return CommandSpec(
        name=name or usage.split(maxsplit=1)[0].removeprefix("/"),
        usage=usage,
        summary=f"Does what {usage} says.",
        who="anybody with write access",
        parameters=parameters,
        accepts_terraform_arguments=arguments,
    )


def _text(label: str, *, required: bool = True) -> Parameter:
    return Parameter(kind=ParameterKind.TEXT, label=label, required=required)


SPECS = (
    _spec(
        "/plan [ENV…]",
        Parameter(kind=ParameterKind.ENV, required=False, repeated=True),
        arguments=True,
    ),
    _spec(
        "/apply ENV [PLAN]",
        Parameter(kind=ParameterKind.ENV, note="Left out, it never means prod."),
        Parameter(kind=ParameterKind.PLAN, required=False),
    ),
    _spec(
        "/revert [ENV] [to RELEASE]",
        ANY_ENV,
        Parameter(kind=ParameterKind.RELEASE, required=False, option="to"),
    ),
    _spec("/destroy ENV", ENV),
    _spec("/unlock [ENV]", ANY_ENV),
    _spec("/cancel [RUN|PLAN]", Parameter(kind=ParameterKind.RUN_OR_PLAN, required=False)),
    _spec("/rerun RUN", Parameter(kind=ParameterKind.RUN)),
    _spec("/status"),
    _spec("/gates [ENV]", ANY_ENV),
    _spec("/override ENV GATE REASON", ENV, Parameter(kind=ParameterKind.GATE), _text("REASON")),
    _spec("/hold ENV REASON", ENV, _text("REASON")),
    _spec("/allow SHA", Parameter(kind=ParameterKind.SHA)),
    _spec(
        "/import ENV ADDRESS ID",
        ENV,
        Parameter(kind=ParameterKind.ADDRESS),
        Parameter(kind=ParameterKind.ID),
    ),
    _spec("/state rm ENV ADDRESS", ENV, Parameter(kind=ParameterKind.ADDRESS), name="state rm"),
    _spec(
        "/state restore ENV SERIAL --confirm N",
        ENV,
        Parameter(kind=ParameterKind.SERIAL),
        Parameter(kind=ParameterKind.COUNT, option="--confirm"),
        name="state restore",
    ),
    _spec(
        "/incident ENV P0|P1|P2 TEXT",
        ENV,
        Parameter(kind=ParameterKind.CHOICE, choices=("P0", "P1", "P2")),
        _text("TEXT"),
    ),
    _spec("/incident close", name="incident close"),
    _spec("/help [COMMAND]", _text("COMMAND", required=False)),
)
