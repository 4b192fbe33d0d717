"""Measures what TASK_EVENTS costs: CPU of worker and Redis per task, with and without, turn by turn.

`python scripts/events_cost.py [ROUNDS]`. Needs the dev packages; the engine is simulated and takes no time.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from bridge.types import Work  # noqa: E402
from tests.bridge.tasks.crew import Crew, translation  # noqa: E402
from tests.stack import wait_until  # noqa: E402

TASKS = 400
ROUNDS = 10


def spent(crew: Crew) -> float:
    """Seconds of CPU that the worker and its Redis have used."""
    assert crew.redis.process is not None
    times = [psutil.Process(each.pid).cpu_times() for each in (crew.started[0], crew.redis.process)]
    return sum(time.user + time.system for time in times)


def cost(crew: Crew, turn: int) -> float:
    """Milliseconds of CPU per task, over TASKS of them one behind the other."""
    crew.become_gateway()
    crew.room.open()
    before = spent(crew)
    for number in range(TASKS):
        translation(Work("alice", turn * TASKS + number, "room", source="en", text="go")).apply_async()
    journal = crew.room.client
    wait_until(lambda: int(journal.xlen("journal:room")) >= 2 * TASKS, 60, "all is begun and translated")
    crew.room.client.delete("journal:room")
    return (spent(crew) - before) / TASKS * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with ExitStack() as ends:
        crews = {}
        for events in ("false", "true"):
            folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
            crews[events] = Crew(folder, "brain", TASK_EVENTS=events, SIMULATED_TRANSLATION_MS="0")
            ends.callback(crews[events].end)
        for crew in crews.values():
            cost(crew, 0)
        rows = [{events: cost(crew, turn) for events, crew in crews.items()} for turn in range(1, rounds + 1)]
    for events in crews:
        each = [row[events] for row in rows]
        sys.stdout.write(
            f"TASK_EVENTS={events}: {median(each):.2f} ms per task ({min(each):.2f} to {max(each):.2f})\n"
        )
    more = [row["true"] - row["false"] for row in rows]
    sys.stdout.write(f"more: {median(more):.2f} ms per task ({min(more):.2f} to {max(more):.2f})\n")


if __name__ == "__main__":
    main()
