"""The checks after an apply, which `verify:` lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.policy.entry import Entry
from bot.policy.values import Argv, Duration, Int, OutputName, Text


class Check(Entry):
    """What all checks have in common."""

    name: Text | None = None
    """Name of the check in reports; its type when left out."""
    timeout: Duration = timedelta(seconds=30)
    """Time limit of one try."""
    attempts: Annotated[Int, Field(ge=1, le=100)] = 5
    """How often it is tried before it has failed."""
    interval: Duration = timedelta(seconds=10)
    """Time between two tries."""


class HttpCheck(Check):
    """An HTTP request answers as expected."""

    type: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)] | None = None
    """Where to ask; or give `url_output`."""
    url_output: OutputName | None = None
    """The Terraform output that holds the URL."""
    path: Annotated[str, Field(pattern=r"^/[^\s]*$", max_length=1000)] = ""
    """Appended to the URL, such as /healthz."""
    status: Annotated[Int, Field(ge=100, le=599)] = 200
    """The status that must be answered."""
    contains: Text | None = None
    """Text that the body must hold."""
    latency: Duration | None = None
    """Longest time to the whole answer."""
    tls_days: Annotated[Int, Field(ge=1, le=365)] | None = None
    """Days for which the certificate must still be valid."""

    @model_validator(mode="after")
    def _one_url(self) -> HttpCheck:
        if (self.url is None) == (self.url_output is None):
            raise ValueError("needs either url or url_output")
        return self


class TcpCheck(Check):
    """A port accepts connections."""

    type: Literal["tcp"]
    host: Text | None = None
    """Where to connect; or give `address_output`."""
    port: Annotated[Int, Field(ge=1, le=65535)] | None = None
    """The port at `host`."""
    address_output: OutputName | None = None
    """The Terraform output that holds `host:port`."""

    @model_validator(mode="after")
    def _one_address(self) -> TcpCheck:
        given = (self.host is not None, self.port is not None, self.address_output is not None)
        if given not in {(True, True, False), (False, False, True)}:
            raise ValueError("needs either host and port, or address_output")
        return self


class CommandCheck(Check):
    """A program ends with exit code 0."""

    type: Literal["command"]
    command: Argv
    """The program and its arguments, run without a shell in the project's directory."""


class OutputsCheck(Check):
    """Terraform outputs have the expected values."""

    type: Literal["outputs"]
    expect: Annotated[dict[OutputName, str | bool | int | float], Field(min_length=1)]
    """Output name -> value."""


class KubernetesCheck(Check):
    """A cluster's API server answers."""

    type: Literal["kubernetes"]
    kubeconfig_output: OutputName = "kubeconfig"
    """The Terraform output that holds the kubeconfig."""
    path: Annotated[str, Field(pattern=r"^/[^\s]*$", max_length=1000)] = "/readyz"
    """The path that is requested of the API server."""


class TerraformChecks(Check):
    """Every `check` block of the configuration passes."""

    type: Literal["terraform_checks"]


VerifyCheck = Annotated[
    HttpCheck | TcpCheck | CommandCheck | OutputsCheck | KubernetesCheck | TerraformChecks,
    Field(discriminator="type"),
]
