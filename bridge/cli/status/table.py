"""A look as text of a terminal: the verdict, what to do, and a small table for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.cli.status.look import Look, Spread, Timing, Worker
from bridge.cli.status.verdict import LEFT_OUT, Verdict

NOT_KNOWN = "-"
LONGEST = 22
"""Letters of a worker's name: those of translation-cpu0-0@vm and one."""
FEWER = (None, 20, 10, 5, 3)
"""Rows of gateways, queues and workers that are tried until all fits into a terminal."""


def fitted(console: Console, look: Look, verdict: Verdict) -> RenderableType:
    """As much of it as the terminal has lines for; what is too much even so is the workers."""
    for most in FEWER:
        made = drawn(look, verdict, most, close=most == FEWER[-1])
        if len(console.render_lines(made)) < console.height:
            break
    return made


def drawn(look: Look, verdict: Verdict, most: int | None = None, *, close: bool = False) -> RenderableType:
    """All but the rows beyond `most` of what there may be many, and the blank lines where it is `close`."""
    tables = [_gateways(look, most), _queues(look, most), _timings(look)]
    blocks: list[Sequence[RenderableType]] = [[table] for table in tables if table.row_count]
    workers = _workers(look, most)
    blocks += [list(_counts(look)), *([[workers]] if workers.row_count else [])]
    blank = [] if close else [Text("")]
    parts = [part for block in blocks for part in (*blank, *block)]
    return Group(*_judgement(verdict), _facts(look), *parts)


def _judgement(verdict: Verdict) -> Iterator[RenderableType]:
    """The verdict and every finding; the first that is wrong stands in the verdict already."""
    mark, style = ("✓", "bold green") if verdict.healthy else ("✗", "bold red")
    yield Text(f"{mark} {verdict.words}", style)
    for number, finding in enumerate(verdict.findings):
        if number or not finding.wrong:
            yield Text(
                f"{'✗' if finding.wrong else '!'} {finding.what}", "red" if finding.wrong else "yellow"
            )
        yield Padding(Text(f"→ {finding.remedy}"), (0, 0, 0, 2))


def _facts(look: Look) -> Text:
    redis = look.redis
    up = {True: "up", False: "does not answer", None: NOT_KNOWN}[redis.up]
    memory = "" if redis.used_bytes is None else f", {redis.used_bytes / 1e6:.1f}"
    memory += f" of {redis.limit_bytes / 1e6:.0f} MB" if redis.limit_bytes else " MB" if memory else ""
    many = "" if redis.connections is None else f", {redis.connections} connections"
    rooms = NOT_KNOWN if look.rooms is None else str(look.rooms)
    return Text(f"sessions {look.sessions}   rooms {rooms}   redis {up}{memory}{many}")


def _table(*columns: str) -> Table:
    """Numbers, but for names: the columns that begin with a blank, which are cut where the terminal ends."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for column in columns:
        name = column.startswith(" ")
        justify: JustifyMethod = "left" if name else "right"
        table.add_column(column.strip(" "), justify=justify, no_wrap=not name, overflow="ellipsis")
    return table


def _fill(table: Table, rows: Sequence[Iterable[object]], most: int | None) -> Table:
    for row in rows[:most]:
        table.add_row(*(_cell(each) for each in row))
    if most is not None and len(rows) > most:
        table.add_row(Text(f"… {len(rows) - most} more", "dim"))
    return table


def _cell(value: object) -> Text:
    return (
        value if isinstance(value, Text) else Text(NOT_KNOWN if value is None or value == "" else str(value))
    )


def _gateways(look: Look, most: int | None) -> Table:
    table = _table(
        " gateway", "sessions", "speak", "listen", "sockets", "waiting", "unread", "lag ms", " left out"
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
    return _fill(table, rows, most)


def _queues(look: Look, most: int | None) -> Table:
    table = _table(" queue", "workers", "slots", "running", "waiting", "oldest")
    rows = [
        [
            each.name,
            Text("0", "bold red") if each.workers == 0 else each.workers,
            *(each.slots, each.running, each.length),
            None if each.oldest is None else f"{each.oldest:.1f} s",
        ]
        for each in look.queues
    ]
    return _fill(table, rows, most)


def _workers(look: Look, most: int | None) -> Table:
    table = _table(" worker", " stage", " device", " provider", "busy", "clock", " state", " models")
    for column in table.columns[:-1]:
        column.no_wrap = True
    table.columns[0].max_width = LONGEST
    rows = [
        [
            *(each.name, each.stage, _device(each), each.provider),
            None if each.busy is None or each.slots is None else f"{each.busy}/{each.slots}",
            None if each.ahead_ms is None else f"{round(each.ahead_ms):+} ms",
            _state(each),
            _models(each),
        ]
        for each in sorted(look.workers, key=lambda worker: worker.connected is not False)
    ]
    return _fill(table, rows, most)


def _device(worker: Worker) -> str:
    busy = worker.gpu.busy if worker.gpu else None
    return worker.device if busy is None else f"{worker.device} {busy:.0%}"


def _models(worker: Worker) -> str | None:
    if isinstance(worker.models, tuple):
        return ",".join(worker.models)
    return str(worker.models) if worker.models else None


def _state(worker: Worker) -> Text | None:
    if worker.connected is False:
        return Text("gone", "red")
    if worker.draining:
        return Text("draining", "yellow")
    return None if worker.draining is None else Text("ok")


def _timings(look: Look) -> Table:
    spans = ("now", f"{look.window_s:.0f} s", "ever")
    columns = [column for span in spans for column in ("", f"{span}\np50", "p95", "n")]
    rows = [list(_timing(each)) for each in look.timings if each.start.count]
    return _fill(_table(" latency, ms", *columns), rows, None)


def _timing(timing: Timing) -> Iterator[object]:
    yield timing.name
    for spread in (timing.last, timing.minute, timing.start):
        yield Text("")
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
    """A line for each kind of count; of what had better not happen, where it did."""
    rate = 60 / look.window_s if look.window_s else 0.0
    yield _counted("segments a minute", {name: round(many * rate) for name, many in look.segments.items()})
    yield _counted("drafts a minute", {name: round(many * rate) for name, many in look.drafts.items()})
    for name, counts in (("left out", look.left_out), ("sent again", look.again)):
        if any(counts.values()):
            yield _counted(name, {what: many for what, many in counts.items() if many}, "yellow")
    if look.errors:
        told = {
            f"{each.stage} {each.type}".strip(): f"{each.minute} (of {each.total})" for each in look.errors
        }
        yield _counted("errors", told, "red" if any(each.minute for each in look.errors) else "")


def _counted(name: str, counts: Mapping[str, object], style: str = "") -> Text:
    line = Text(f"{name:<18}", "dim")
    words = ", ".join(f"{what} {many}" for what, many in counts.items())
    return line.append(words or NOT_KNOWN, style if words else "")
