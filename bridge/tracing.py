"""One trace for each segment, over all processes that have a part in it, where somebody collects traces.

The standard variables of OpenTelemetry say who does. Where none of them is set, nothing of OpenTelemetry is
imported here and `tracer` is None.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.errors import SettingsError
from bridge.extras import install
from bridge.options import PASSED_ON, layers

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTERS = ("otlp", "console", "none")

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]
Events = Sequence[tuple[str, float]]
"""Named instants, in seconds on the clock of Redis."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a segment's way that is over, below the span that `trace` names (a W3C traceparent).

    Times are seconds on the clock of Redis, which all hosts share. `code` says why it failed.
    """

    name: str
    trace: str
    start: float
    end: float
    attributes: Attributes
    code: str = ""
    events: Events = ()


class Root(Protocol):
    """The span of a whole segment that goes on. `trace` names it, "" where its trace is left out."""

    @property
    def trace(self) -> str: ...

    def end(self, at: float, attributes: Attributes, code: str, events: Events) -> None:
        """It is over."""


class Tracer(Protocol):
    """Sends spans to a collector, from a thread of its own: no call waits for that."""

    def begin(self, name: str, start: float) -> Root:
        """A trace begins."""

    def record(self, span: Span) -> None:
        """A part of one is over."""

    def close(self) -> None:
        """Sends what is left, for less than a second."""


tracer: Tracer | None = None
"""Of this process; None where nobody collects."""


def setup(service: str, common: Attributes | None = None) -> None:
    """Begins to send spans if a collector is named; all of this process have the attributes `common`.

    Raises SettingsError where that cannot be.
    """
    global tracer
    for _, values in layers()[1:]:
        for name, value in values.items():
            if name.startswith(PASSED_ON) and value:
                os.environ.setdefault(name, value)
    if not (exporters := wanted(os.environ)):
        return
    try:
        from bridge.otel import Otel
    except ImportError as error:
        raise SettingsError(f"Traces cannot be sent: {error}.", install("tracing")) from error
    tracer = Otel(service, common or {}, exporters)


def close() -> None:
    """Ends what `setup` began."""
    global tracer
    if tracer is not None:
        tracer.close()
        tracer = None


def wanted(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Which exporters the standard variables ask for; none where tracing is off.

    Raises SettingsError for one that is not offered.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    named = [name.strip() for name in environment.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip()]
    if not named and any(environment.get(name) for name in _ENDPOINTS):
        named = ["otlp"]
    for name in named:
        if name not in _EXPORTERS:
            raise SettingsError(
                f"OTEL_TRACES_EXPORTER={name} is not offered.", f"Use one of: {', '.join(_EXPORTERS)}."
            )
    protocol = next((set_ for name in _PROTOCOLS if (set_ := environment.get(name))), "http/protobuf")
    if "otlp" in named and protocol != "http/protobuf":
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not offered.",
            "Use http/protobuf, and the port of the collector for that (4318).",
        )
    return tuple(name for name in named if name != "none")


def ids(trace: str) -> dict[str, str]:
    """What a log line says of a trace; nothing where there is none."""
    return {"trace": trace.split("-")[1]} if trace else {}
