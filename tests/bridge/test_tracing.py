"""Whether traces are sent, where to, and what happens where nobody takes them."""

from __future__ import annotations

import logging
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge import options, tracing
from bridge.errors import SettingsError
from bridge.tracing import Span, ids, wanted
from tests.collector import Collector
from tests.stack import REPOSITORY, free_port, wait_until

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
PARENT = f"00-{'a' * 32}-{'b' * 16}-01"


def span(trace: str = PARENT, code: str = "") -> Span:
    return Span("stt", trace, 100.0, 100.25, {"bridge.session": "s"}, code, (("first result", 100.125),))


@pytest.fixture
def sent_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Begins to send spans with the variables given."""

    def begin(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        tracing.setup("speechbridge-test")

    yield begin
    tracing.close()


@pytest.mark.parametrize(
    ("given", "exporters"),
    [
        ({}, ()),
        (ENDPOINT, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console"}, ("console",)),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp")),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, ()),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, ()),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ("otlp",)),
    ],
)
def test_the_standard_variables_say_who_gets_traces(given: dict[str, str], exporters: tuple[str]) -> None:
    assert wanted(given) == exporters


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin is not offered"),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not offered",
        ),
    ],
)
def test_what_is_not_offered_is_said(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        wanted(given)


def test_an_endpoint_without_the_extra_is_an_error_with_the_command_that_installs_it(
    sent_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "bridge.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(SettingsError, match="Traces cannot be sent") as caught:
        sent_to(**ENDPOINT)
    assert "[tracing]" in caught.value.hint


def test_variables_of_the_file_count_below_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, traced: Collector
) -> None:
    tracing.close()
    monkeypatch.setattr(options, "DOTENV", tmp_path / ".env")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "")
    monkeypatch.delenv("OTEL_SERVICE_NAME")
    (tmp_path / ".env").write_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://nowhere\nOTEL_SERVICE_NAME=ours\n")
    tracing.setup("speechbridge-test")
    assert tracing.tracer is not None
    tracing.tracer.record(span())
    tracing.close()

    assert [seen.service for seen in traced.spans] == ["ours"]
    assert options.unknown([], [(".env", {"OTEL_SERVICE_NAME": "ours"})]) == []


def test_a_span_arrives_with_its_parent_its_instants_and_its_failure(traced: Collector) -> None:
    assert tracing.tracer is not None
    tracing.tracer.record(span(code="engine_failed"))
    tracing.close()
    (seen,) = traced.spans

    assert (seen.trace, seen.parent, seen.service) == ("a" * 32, "b" * 16, "speechbridge-test")
    assert (seen.start, seen.end, seen.events) == (100.0, 100.25, {"first result": 100.125})
    assert seen.failed
    assert seen.attributes == {"bridge.session": "s", "bridge.provider": "p", "bridge.code": "engine_failed"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_SERVICE_NAME", "theirs"), ("OTEL_RESOURCE_ATTRIBUTES", "site=a,service.name=theirs")],
)
def test_a_service_is_called_as_the_variables_say(
    traced: Collector, sent_to: Callable[..., None], variable: str, value: str
) -> None:
    tracing.close()
    sent_to(**{variable: value})
    assert tracing.tracer is not None
    tracing.tracer.record(span())
    tracing.close()

    assert [seen.service for seen in traced.spans] == ["theirs"]


def test_a_trace_is_whole_or_left_out_as_who_began_it_says(traced: Collector) -> None:
    assert tracing.tracer is not None
    tracing.tracer.record(span(f"00-{'c' * 32}-{'b' * 16}-00"))
    tracing.close()

    assert traced.spans == []


def test_a_ratio_of_its_own_tears_no_trace_apart(traced: Collector, sent_to: Callable[..., None]) -> None:
    tracing.close()
    sent_to(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0")
    assert tracing.tracer is not None
    assert tracing.tracer.begin("segment", 100.0).trace == ""
    tracing.tracer.record(span())
    tracing.close()

    assert [seen.trace for seen in traced.spans] == ["a" * 32]


@contextmanager
def deaf() -> Iterator[str]:
    """The address of a collector that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_collector_that_never_answers_holds_up_neither_a_span_nor_the_end(
    sent_to: Callable[..., None],
) -> None:
    with deaf() as endpoint:
        sent_to(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="10")
        assert tracing.tracer is not None
        since = time.monotonic()
        for _ in range(100):
            tracing.tracer.record(span())
        took = time.monotonic() - since
        since = time.monotonic()
        tracing.close()

        assert took < 0.5
        assert time.monotonic() - since < 1


def test_a_collector_that_is_away_is_one_line_of_the_log(
    sent_to: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with capture_logs() as lines, caplog.at_level(logging.DEBUG, "opentelemetry"):
        sent_to(
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_TIMEOUT="0.2",
            OTEL_BSP_SCHEDULE_DELAY="20",
            OTEL_BSP_MAX_QUEUE_SIZE="4",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
        )
        assert tracing.tracer is not None
        for _ in range(12):
            tracing.tracer.record(span())
        wait_until(lambda: any(line["log_level"] == "warning" for line in lines), 2, "it is said")
        for _ in range(12):
            tracing.tracer.record(span())
        tracing.close()
    warnings = [line for line in lines if line["log_level"] == "warning"]

    assert [line["event"] for line in warnings] == ["the collector takes no spans; they are lost meanwhile"]
    assert "spans" in warnings[0]["error"]
    assert caplog.records == []


def test_a_person_can_read_them_without_a_collector(
    sent_to: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    sent_to(OTEL_TRACES_EXPORTER="console")
    assert tracing.tracer is not None
    tracing.tracer.record(span())
    tracing.close()

    assert f'"trace_id": "0x{"a" * 32}"' in capsys.readouterr().out


def test_a_log_line_names_the_trace_where_there_is_one() -> None:
    assert ids(PARENT) == {"trace": "a" * 32}
    assert ids("") == {}


def test_one_module_alone_imports_opentelemetry_and_only_when_asked() -> None:
    sources = [path for part in ("bridge", "gateway") for path in (REPOSITORY / part).rglob("*.py")]
    found = {
        path.name: re.findall(r"^(?:from|import) ([\w.]+)", path.read_text("utf-8"), re.M) for path in sources
    }

    assert [name for name, all in found.items() if "opentelemetry" in str(all)] == ["otel.py"]
    assert [name for name, all in found.items() if "bridge.otel" in all] == []
