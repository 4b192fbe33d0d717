"""Which queue a piece of work goes to: who can do it, and who has the least to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge import placement
from bridge.errors import NoWorker
from bridge.placement import Need, Place, Standing, common, lacking, plan, serves, slots_of
from bridge.store.registry import WorkerRecord
from bridge.types import STAGES, Stage, Target


def worker(stage: Stage, device: str, **changes: Any) -> WorkerRecord:
    pairs = (("en", "es"), ("en", "ca")) if stage == "translation" else ()
    languages = {"stt": ("en",), "translation": (), "tts": ("es", "ca")}[stage]
    values: dict[str, Any] = {"languages": languages, "pairs": pairs, "slots": 1, "provider": "p"} | changes
    return WorkerRecord(f"{stage}-{device}", stage, device, f"{stage}.{device}", **values)


def devices(*names: str) -> list[WorkerRecord]:
    return [worker(stage, name) for stage in STAGES for name in names]


def planned(
    workers: list[WorkerRecord],
    loads: Mapping[str, float] | None = None,
    *,
    stage: Stage = "stt",
    targets: tuple[str, ...] = ("es",),
    source: str | None = "en",
    departed: tuple[WorkerRecord, ...] = (),
) -> dict[Place, str]:
    need = Need(stage, source, [Target(target) for target in targets])
    return plan(need, workers, lambda queue: Standing((loads or {}).get(queue, 0.0)), departed=departed)


def test_every_stage_of_every_target_has_its_queue() -> None:
    assert planned(devices("gpu0"), targets=("es", "ca")) == {
        ("stt", None): "stt.gpu0",
        ("translation", "es"): "translation.gpu0",
        ("tts", "es"): "tts.gpu0",
        ("translation", "ca"): "translation.gpu0",
        ("tts", "ca"): "tts.gpu0",
    }


@pytest.mark.parametrize(
    ("stage", "places"),
    [("translation", [("translation", "es"), ("tts", "es")]), ("tts", [("tts", "es")])],
)
def test_work_that_goes_on_in_the_middle_needs_the_rest_only(stage: Stage, places: list[Place]) -> None:
    assert list(planned(devices("gpu0"), stage=stage)) == places


def test_the_least_loaded_device_gets_the_segment() -> None:
    assert planned(devices("gpu0", "gpu1"), {"stt.gpu0": 1.0})["stt", None] == "stt.gpu1"


def test_load_counts_per_slot() -> None:
    workers = [*devices("gpu0"), worker("stt", "gpu1", slots=4)]

    assert slots_of(workers)["stt.gpu1"] == 4
    assert planned(workers, {"stt.gpu0": 0.5, "stt.gpu1": 0.25})["stt", None] == "stt.gpu1"


def test_workers_of_one_queue_add_their_slots() -> None:
    assert slots_of([worker("stt", "gpu0", slots=2), worker("stt", "gpu0")]) == {"stt.gpu0": 3}


def test_the_targets_of_one_segment_spread_over_equal_devices() -> None:
    found = planned(devices("gpu0", "gpu1"), targets=("es", "ca"))

    for stage in ("translation", "tts"):
        assert {found[stage, "es"], found[stage, "ca"]} == {f"{stage}.gpu0", f"{stage}.gpu1"}


def test_only_a_worker_that_knows_the_language_gets_the_work() -> None:
    workers = [*devices("gpu0"), worker("tts", "gpu1", languages=("fr",))]

    assert planned(workers, {"tts.gpu0": 5.0})["tts", "es"] == "tts.gpu0"


def test_a_stage_without_worker_is_named() -> None:
    with pytest.raises(NoWorker, match="tts"):
        planned([worker("stt", "gpu0"), worker("translation", "gpu0")])


def test_a_target_that_nobody_serves_is_refused_whoever_else_works() -> None:
    with pytest.raises(NoWorker, match="translation"):
        planned(devices("gpu0"), targets=("es", "fr"))


def test_work_waits_for_the_return_of_the_only_worker_of_its_stage() -> None:
    workers = [worker("stt", "gpu0"), worker("translation", "gpu0")]

    assert planned(workers, departed=(worker("tts", "gpu0"),))["tts", "es"] == "tts.gpu0"


def test_nobody_waits_for_one_that_left_while_another_is_there() -> None:
    loads = dict.fromkeys(("stt.gpu0", "translation.gpu0", "tts.gpu0"), 9.0)
    found = planned(devices("gpu0"), loads, departed=tuple(devices("gpu1")))

    assert set(found.values()) == set(loads)


def test_one_that_left_and_never_knew_the_language_is_not_waited_for() -> None:
    workers = [worker("stt", "gpu0"), worker("translation", "gpu0")]

    with pytest.raises(NoWorker, match="tts"):
        planned(workers, departed=(worker("tts", "gpu0", languages=("fr",)),))


def test_detection_is_asked_of_workers_that_detect() -> None:
    deaf, keen = worker("stt", "cpu0"), worker("stt", "cpu1", detects=True)

    assert not serves(deaf, "stt", None, None)
    assert serves(keen, "stt", None, None)
    assert serves(deaf, "stt", "en", None)


def test_a_conversation_goes_to_workers_that_tell_its_languages_apart_and_have_its_directions() -> None:
    two = ("en", "ca")
    other = worker("stt", "cpu0", languages=("en", "fr"), detects=True)
    able = worker("stt", "cpu1", languages=("en", "ca", "fr"), detects=True)
    there = WorkerRecord(
        "t", "translation", "cpu0", "translation.cpu0", 1, "e", pairs=(("en", "ca"), ("ca", "ca"))
    )

    assert not serves(other, "stt", None, None, two)
    assert serves(able, "stt", None, None, two)
    assert serves(there, "translation", None, "ca", two)
    assert not serves(there, "translation", None, "ca", ("fr", "ca"))
    assert not serves(there, "translation", None, "en", two)


def test_a_source_to_be_detected_may_be_translated_by_whoever_has_the_target() -> None:
    assert serves(worker("translation", "cpu0"), "translation", None, "ca")
    assert not serves(worker("translation", "cpu0"), "translation", "fr", "ca")
    assert not serves(worker("translation", "cpu0"), "tts", "en", "ca")


def test_stages_without_worker_are_listed_in_their_order() -> None:
    assert placement.missing([worker("translation", "cpu0")]) == ["stt", "tts"]
    assert placement.missing(devices("cpu0")) == []


def test_the_plan_is_made_by_the_strategy_that_is_given() -> None:
    by = placement.strategy("round_robin")
    need = Need("stt", "en", [Target("es"), Target("ca")], session="alice")
    first, second = (plan(need, devices("gpu0", "gpu1"), lambda queue: Standing(), by, ()) for _ in range(2))
    by.sent("alice", first)

    assert first == second
    assert first["translation", "es"] != first["translation", "ca"]
    assert plan(need, devices("gpu0", "gpu1"), lambda queue: Standing(), by)["stt", None] == "stt.gpu1"


def test_a_queue_can_what_all_of_its_workers_can() -> None:
    """One provider follows another on a queue: whichever of them takes a piece can do it."""
    old = worker("tts", "cpu0", languages=("ca", "es"))
    new = replace(worker("tts", "cpu0", languages=("de", "es")), name="new")
    apart = worker("tts", "cpu1", languages=("fr",))

    assert [each.languages for each in common([old, new, apart])] == [("es",), ("es",), ("fr",)]
    assert [each.languages for each in common([new, apart])] == [("de", "es"), ("fr",)]


def test_pairs_and_detection_are_shared_too() -> None:
    first = worker("translation", "cpu0")
    second = replace(worker("translation", "cpu0", pairs=(("en", "ca"),)), name="second")
    deaf, keen = worker("stt", "cpu0"), replace(worker("stt", "cpu0", detects=True), name="keen")

    assert [each.pairs for each in common([first, second])] == [(("en", "ca"),)] * 2
    assert not any(each.detects for each in common([deaf, keen]))


def test_what_a_worker_lacks_of_its_queue_is_named() -> None:
    old = worker("stt", "cpu0", languages=("ca", "de", "en"), detects=True)
    new = replace(worker("stt", "cpu0"), name="new")

    assert lacking(new, [old]) == ["ca", "de", "detection"]
    assert lacking(old, [new]) == []
    assert lacking(new, [replace(old, draining=True)]) == []
    assert lacking(new, [worker("stt", "cpu1", languages=("fr",))]) == []
    assert lacking(
        replace(worker("translation", "cpu0", pairs=(("en", "ca"),)), name="new"),
        [worker("translation", "cpu0")],
    ) == ["en-es"]
