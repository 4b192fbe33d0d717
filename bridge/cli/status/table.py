"""A look as text of a terminal: the verdict, what to do, and a small table for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bridge.cli.status.look import Look, Spread, Timing, Worker
from bridge.cli.status.verdict import LEFT_OUT, Finding, Verdict

NOT_KNOWN = "-"
FEWEST = 3
"""Rows of a table that are shown in a terminal that is too low for all."""
LINES_WITHOUT_ROWS = 18
"""Of the headers, the blank lines, the counts, the verdict and the line below it."""


def drawn(look: Look, verdict: Verdict, height: int | None = None) -> RenderableType:
    """Within `height` lines where rows can be left out for it; what is wrong never is."""
    findings = list(_findings(verdict))
    room = None if height is None else height - LINES_WITHOUT_ROWS - len(findings) - len(look.timings)
    blocks = [_gateways(look, room), _queues(look, room), _workers(look, room), _timings(look)]
    parts: list[RenderableType] = [_line(verdict), *findings, _facts(look)]
    for block in blocks:
        if block.row_count:
            parts += [Text(""), block]
    return Group(*parts, Text(""), *_counts(look))


def _line(verdict: Verdict) -> Text:
    mark, style = ("✓", "bold green") if verdict.healthy else ("✗", "bold red")
    return Text(f"{mark} {verdict.words}", style)


def _findings(verdict: Verdict) -> Iterator[Text]:
    for finding in verdict.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[Text]:
    yield Text(f"  {'✗' if finding.wrong else '!'} {finding.what}", "red" if finding.wrong else "yellow")
    yield Text(f"    → {finding.remedy}")


def _facts(look: Look) -> Text:
    redis = look.redis
    up = {True: "up", False: "does not answer", None: NOT_KNOWN}[redis.up]
    memory = "" if redis.used_bytes is None else f", {redis.used_bytes / 1e6:.1f}"
    memory += f" of {redis.limit_bytes / 1e6:.0f} MB" if redis.limit_bytes else " MB" if memory else ""
    many = "" if redis.connections is None else f", {redis.connections} connections"
    rooms = NOT_KNOWN if look.rooms is None else str(look.rooms)
    return Text(f"sessions {look.sessions}   rooms {rooms}   redis {up}{memory}{many}")


def _table(*columns: str) -> Table:
    """The first column names, the others are numbers unless they begin with a blank."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        left = not number or column.startswith(" ")
        table.add_column(
            column.strip(), justify="left" if left else "right", no_wrap=True, overflow="ellipsis"
        )
    return table


def _fill(table: Table, rows: Sequence[Iterable[object]], room: int | None) -> Table:
    """As many rows as there is room for, shared by three tables."""
    most = len(rows) if room is None else max(FEWEST, room // 3)
    for row in rows[:most]:
        table.add_row(*(_cell(each) for each in row))
    if len(rows) > most:
        table.add_row(Text(f"… {len(rows) - most} more", "dim"))
    return table


def _cell(value: object) -> Text:
    return (
        value if isinstance(value, Text) else Text(NOT_KNOWN if value is None or value == "" else str(value))
    )


def _gateways(look: Look, room: int | None) -> Table:
    table = _table(
        "gateway", "sessions", "speak", "listen", "sockets", "waiting", "unread", "lag ms", " left out"
    )
    rows: list[list[object]] = []
    for each in look.gateways:
        if not each.up:
            rows.append([Text(each.address, "red"), Text("away", "red")])
            continue
        both = each.roles.get("alone", 0) + each.roles.get("both", 0)
        speak, listen = (each.roles.get(role, 0) + both for role in ("speaker", "listener"))
        left = None if each.pressure is None else LEFT_OUT[min(each.pressure, len(LEFT_OUT) - 1)]
        counts = (each.sessions, speak, listen, each.connections, each.waiting)
        rows.append([each.address, *counts, _bytes(each.pending_bytes), _ms(each.lag_p95), left])
    return _fill(table, rows, room)


def _queues(look: Look, room: int | None) -> Table:
    table = _table("queue", "workers", "slots", "running", "waiting", "oldest")
    rows = [
        [
            each.name,
            Text("0", "bold red") if each.workers == 0 else each.workers,
            *(each.slots, each.running, each.length),
            None if each.oldest is None else f"{each.oldest:.1f} s",
        ]
        for each in look.queues
    ]
    return _fill(table, rows, room)


def _workers(look: Look, room: int | None) -> Table:
    table = _table("worker", " stage", " device", " provider", " models", "busy", "clock", " state")
    rows = [
        [
            *(each.name, each.stage, each.device, each.provider, _models(each)),
            None if each.busy is None or each.slots is None else f"{each.busy}/{each.slots}",
            None if each.ahead_ms is None else f"{each.ahead_ms:+.0f} ms",
            _state(each),
        ]
        for each in look.workers
    ]
    return _fill(table, rows, room)


def _models(worker: Worker) -> str | None:
    if isinstance(worker.models, tuple):
        return ", ".join(worker.models)
    return None if worker.models is None else str(worker.models)


def _state(worker: Worker) -> Text | None:
    if worker.connected is False:
        return Text("gone", "red")
    if worker.draining:
        return Text("draining", "yellow")
    return None if worker.draining is None else Text("ready")


def _timings(look: Look) -> Table:
    spans = ("now", f"{look.window_s:.0f} s", "ever")
    columns = [f"{span}\n{what}" for span in spans for what in ("p50", "p95", "n")]
    table = _table(
        "latency, ms", *(name if at % 3 == 0 else name.partition("\n")[2] for at, name in enumerate(columns))
    )
    return _fill(table, [list(_timing(each)) for each in look.timings if each.start.count], None)


def _timing(timing: Timing) -> Iterator[object]:
    yield timing.name
    for spread in (timing.last, timing.minute, timing.start):
        yield from _spread(spread)


def _spread(spread: Spread) -> tuple[object, object, object]:
    if not spread.count:
        return Text(""), Text(""), Text("")
    return _ms(spread.p50), _ms(spread.p95), spread.count


def _ms(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds * 1000:.0f}" if seconds >= 0.01 else f"{seconds * 1000:.1f}"


def _bytes(many: int | None) -> str | None:
    if many is None:
        return None
    return f"{many / 1e6:.1f} MB" if many >= 100_000 else f"{many / 1000:.0f} kB"


def _counts(look: Look) -> Iterator[Text]:
    """One line for each kind of count that there is; what never happened is left out of the last ones."""
    rate = 60 / look.window_s if look.window_s else 0.0
    segments = {outcome: f"{many * rate:.0f}" for outcome, many in look.segments.items()}
    yield _counted("segments a minute", segments)
    yield _counted(
        "drafts a minute", {outcome: f"{many * rate:.0f}" for outcome, many in look.drafts.items()}
    )
    yield _counted("left out", {what: str(many) for what, many in look.left_out.items() if many}, "red")
    yield _counted("sent again", {stage: str(many) for stage, many in look.again.items() if many}, "yellow")
    told = {f"{each.stage} {each.type}".strip(): f"{each.minute} of {each.total}" for each in look.errors}
    yield _counted("errors", told, "red" if any(each.minute for each in look.errors) else "")


def _counted(name: str, counts: Mapping[str, str], style: str = "") -> Text:
    line = Text(f"{name:<18}", "dim")
    words = ", ".join(f"{what} {many}" for what, many in counts.items())
    return line.append(words or NOT_KNOWN, style if words else "")
