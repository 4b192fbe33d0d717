"""Sends spans by the SDK of OpenTelemetry, which reads its own variables. Imported where it is wanted."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Sequence
from threading import Thread

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import Span as Recorded
from opentelemetry.trace import (
    Status,
    StatusCode,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge.tracing import Attributes, Events, Span

log = structlog.get_logger(__name__)

LAST_SECONDS = 0.8
"""For what is left when a process ends: with an unreachable collector that would be 10 s."""
_LOUD = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
"""Loggers that would say for each batch, some for each span, that a collector is away."""

_FORM = TraceContextTextMapPropagator()


class _Hush(logging.Filter):
    """Keeps what was `said` last, and lets nothing through."""

    said = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.said = record.getMessage()[:300]
        return False


_HUSH = _Hush()
for _name in _LOUD:
    logging.getLogger(_name).addFilter(_HUSH)


class Otel:
    """The Tracer of this process; the provider is its own, so that no library adds spans to ours."""

    def __init__(self, service: str, common: Attributes, exporters: Sequence[str]) -> None:
        self._provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        # Whoever began a trace decides for all of it, whichever sampler is named.
        self._provider.sampler = ParentBased(self._provider.sampler)
        for name in exporters:
            exporter = (
                ConsoleSpanExporter(out=sys.stdout) if name == "console" else Patient(OTLPSpanExporter())
            )
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("speechbridge")
        self._common = common
        log.info("spans are sent", exporters=list(exporters))

    def begin(self, name: str, start: float) -> OtelRoot:
        """A trace begins."""
        made = self._tracer.start_span(name, Context(), start_time=_ns(start), attributes=self._common)
        return OtelRoot(made, start)

    def record(self, span: Span) -> None:
        """A part of one is over."""
        above = _FORM.extract({"traceparent": span.trace}, Context())
        made = self._tracer.start_span(
            span.name, above, start_time=_ns(span.start), attributes={**self._common, **span.attributes}
        )
        _end(made, max(span.start, span.end), span.code, span.events)

    def close(self) -> None:
        """Sends what is left, for LAST_SECONDS at most."""
        last = Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(LAST_SECONDS)


class OtelRoot:
    """A segment that goes on, from `start` on."""

    def __init__(self, made: Recorded, start: float) -> None:
        carrier: dict[str, str] = {}
        _FORM.inject(carrier, set_span_in_context(made, Context()))
        self.trace = carrier["traceparent"] if made.is_recording() else ""
        self._made = made
        self._start = start

    def end(self, at: float, attributes: Attributes, code: str, events: Events) -> None:
        """It is over."""
        self._made.set_attributes(dict(attributes))
        _end(self._made, max(self._start, at), code, events)


def _resource(service: str) -> Resource:
    """What this process calls itself, as far as no variable says that."""
    named = {
        each.partition("=")[0].strip() for each in os.environ.get(OTEL_RESOURCE_ATTRIBUTES, "").split(",")
    }
    if os.environ.get(OTEL_SERVICE_NAME):
        named.add("service.name")
    ours = {"service.name": service, "service.instance.id": f"{socket.gethostname()}-{os.getpid()}"}
    return Resource.create({name: value for name, value in ours.items() if name not in named})


def _end(made: Recorded, at: float, code: str, events: Events) -> None:
    for name, when in events:
        made.add_event(name, timestamp=_ns(when))
    if code:
        made.set_attribute("bridge.code", code)
        made.set_status(Status(StatusCode.ERROR, code))
    made.end(_ns(at))


def _ns(seconds: float) -> int:
    return round(seconds * 1_000_000) * 1_000


class Patient(SpanExporter):
    """Says once that a collector takes no spans, with the reason, and once that it takes them again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("the collector takes spans again", lost=self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("the collector takes no spans; they are lost meanwhile", error=_HUSH.said)
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Sends nothing more."""
        self._exporter.shutdown()
