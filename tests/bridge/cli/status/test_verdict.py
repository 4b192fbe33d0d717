"""Whether people hear each other, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.cli.status.look import (
    Breaker,
    ErrorCount,
    Gateway,
    Gpu,
    Late,
    Look,
    Queue,
    RedisState,
    Spread,
    Timing,
    Worker,
)
from bridge.cli.status.verdict import Verdict, judged

QUEUES = tuple(Queue(f"{stage}.cpu0", 1, 1, 0, 0, 0.0) for stage in ("stt", "translation", "tts"))
WELL = Look(
    "http://gw:8000",
    60.0,
    60.0,
    gateways=(Gateway("gw1", True, "0.1.0", {"alone": 2}, pressure=0),),
    queues=QUEUES,
    redis=RedisState(True, 10, 100, 5),
    segments={"heard": 30, "failed": 1},
    late={"segment": Late(0.4, 0.39, 1, 30)},
)


def with_queue(stage: int, **changes: object) -> Look:
    queues = list(QUEUES)
    queues[stage] = replace(queues[stage], **changes)  # type: ignore[arg-type]
    return replace(WELL, queues=tuple(queues))


def of_gateway(**changes: object) -> Look:
    return replace(WELL, gateways=(replace(WELL.gateways[0], **changes),))  # type: ignore[arg-type]


def only(look: Look) -> tuple[bool, str, str]:
    """Whether all is well, and the one finding."""
    verdict = judged(look)
    (finding,) = verdict.findings
    assert finding.wrong is not verdict.healthy
    return verdict.healthy, finding.what, finding.remedy


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (WELL, "everybody hears each other: 30 segments heard within 60 s"),
        (replace(WELL, segments={}), "all is ready: 2 sessions, nothing was heard within 60 s"),
        (replace(WELL, segments={}, gateways=()), "all is ready: nobody is here"),
        (replace(WELL, segments={}, window_s=0.0), "all is ready: 2 sessions"),
    ],
)
def test_where_nothing_is_wrong_it_says_what_goes_on(look: Look, words: str) -> None:
    assert judged(look) == Verdict(words, True, ())


WRONG = [
    (
        replace(WELL, trouble="no_gateway", gateways=()),
        "no gateway answers at http://gw:8000",
        "speechbridge up",
    ),
    (replace(WELL, trouble="no_gateway"), "http://gw:8000; 1 other at the same Redis", "--url"),
    (replace(WELL, trouble="stranger"), "what answers at http://gw:8000 is no gateway with metrics", "--url"),
    (replace(WELL, trouble="metrics_off"), "nothing is measured: METRICS is false", "METRICS=true"),
    (
        replace(of_gateway(up=False), unread={"gw1": "refused"}),
        "gateway gw1 does not answer: refused",
        "its log",
    ),
    (replace(WELL, redis=RedisState(False)), "Redis does not answer: nothing is translated", "REDIS_URL"),
    (replace(WELL, redis=RedisState(True, 91, 100)), "Redis is full: 91% of its memory", "REDIS_MAX_MEMORY"),
    (with_queue(2, workers=0), "nobody serves tts: no worker lives for tts.cpu0", "speechbridge worker NAME"),
    (with_queue(2, workers=0, length=9, oldest=9.0), "no worker lives for tts.cpu0", "speechbridge worker"),
    (replace(WELL, queues=QUEUES[:2]), "nobody serves tts: no worker lives", "speechbridge worker NAME"),
    (
        with_queue(0, length=12, oldest=2.1),
        "stt.cpu0 is behind: 12 tasks waiting, the oldest for 2.1 s",
        "another worker",
    ),
    (of_gateway(pressure=4), "under pressure, left out: speech: captions only", "another worker"),
    (
        replace(
            WELL,
            segments={"heard": 15, "silent": 3, "failed": 1, "partly": 1},
            errors=(
                *(ErrorCount("tts", "engine_failed", 2, 9), ErrorCount("stt", "late", 0, 1)),
                ErrorCount("connection", "bad_message", 3, 3),
            ),
        ),
        "2 of 20 segments failed within 60 s: tts engine_failed",
        "speechbridge trace",
    ),
    (
        replace(WELL, errors=(ErrorCount("connection", "overloaded", 2, 5),)),
        "2 clients refused within 60 s: no place, or no engine time",
        "WS_MAX_CONNECTIONS",
    ),
    (
        replace(WELL, late={"segment": Late(0.4, 0.55, 3, 30)}),
        "speech comes late: p95 0.55 s where SLO_SEGMENT_MS says 0.40 s (3 of 30 beyond)",
        "another worker",
    ),
    (
        replace(WELL, late={"barge_in": Late(0.05, 0.2, 9, 30)}),
        "interruptions are obeyed late: p95 0.20 s where SLO_BARGE_IN_MS says 0.05 s (9 of 30 beyond)",
        "busy machine",
    ),
]


@pytest.mark.parametrize(("look", "what", "remedy"), WRONG, ids=[what for _, what, _ in WRONG])
def test_what_is_wrong_is_told_with_what_mends_it(look: Look, what: str, remedy: str) -> None:
    healthy, told, mends = only(look)

    assert not healthy
    assert what in told
    assert remedy in mends
    assert judged(look).words == told


REMARKS = [
    (of_gateway(pressure=2), "left out: partials and drafts"),
    (of_gateway(lag_p95=0.2), "gateway gw1 has too much to do: its loop is 0.20 s late"),
    (replace(WELL, queues=(*QUEUES, Queue("tts.gpu0", 0, 0, 0, 0, 0.0))), "no worker for tts.gpu0"),
    (replace(WELL, workers=(Worker("ear", "stt", "", "", ahead_ms=-1_500.0),)), "of ear is -1.5 s off"),
    (
        replace(WELL, workers=(Worker("ear", "stt", "gpu0", "", gpu=Gpu(0.5, 96, 100)),)),
        "the memory of gpu0 is full: 96% (ear)",
    ),
    (replace(WELL, unread={"ear:9101": "timed out"}), "no metrics of 1 worker: ear:9101, timed out"),
    (
        replace(WELL, gateways=(*WELL.gateways, Gateway("gw2", True, "0.2.0"))),
        "gateways of several releases: 0.1.0, 0.2.0",
    ),
]


@pytest.mark.parametrize(("look", "what"), REMARKS, ids=[what for _, what in REMARKS])
def test_what_harms_nobody_is_told_and_all_is_well(look: Look, what: str) -> None:
    healthy, told, _ = only(look)

    assert healthy
    assert what in told
    assert judged(look).words == judged(WELL).words


@pytest.mark.parametrize(
    "look",
    [
        with_queue(0, length=12, oldest=1.9),
        replace(WELL, redis=RedisState(True, 90, 100)),
        replace(WELL, redis=RedisState(True, 10**12, None)),
        replace(WELL, segments={"heard": 9, "stopped": 10, "failed": 1}),
        replace(WELL, late={"segment": Late(0.4, 0.9, 2, 10)}),
        replace(WELL, errors=(ErrorCount("connection", "overloaded", 0, 5),)),
        replace(WELL, errors=(ErrorCount("connection", "bad_message", 4, 5),)),
        replace(WELL, queues=()),
        replace(WELL, workers=(Worker("ear", "stt", "gpu0", "", gpu=Gpu(1.0, 95, 100)),)),
        replace(WELL, redis=RedisState()),
    ],
)
def test_what_is_within_bounds_or_not_known_is_not_held_against_anybody(look: Look) -> None:
    assert judged(look).findings == ()


def test_the_first_line_names_the_worst_and_counts_the_others() -> None:
    verdict = judged(replace(with_queue(2, workers=0), redis=RedisState(True, 99, 100)))

    assert verdict.words == "Redis is full: 99% of its memory (and 1 more)"
    assert [finding.what[:12] for finding in verdict.findings] == ["Redis is ful", "nobody serve"]


def test_what_is_late_is_told_with_the_stage_that_takes_the_most() -> None:
    names = {"first audio": 9.0, "stt queue": 0.2, "stt run": 1.5, "tts run": None, "translation run": 0.3}
    timings = tuple(Timing(name, Spread(), Spread(p50, p50, 9), Spread()) for name, p50 in names.items())
    _, told, _ = only(replace(WELL, late={"segment": Late(0.4, 2.0, 5, 9)}, timings=timings))

    assert told.endswith("(5 of 9 beyond), most of it stt run: p50 1.50 s")


def test_what_is_wrong_stands_before_what_is_only_worth_knowing() -> None:
    verdict = judged(replace(of_gateway(pressure=1), segments={"failed": 1}))

    assert [finding.wrong for finding in verdict.findings] == [True, False]
    assert verdict.words == "1 of 1 segment failed within 60 s"


def test_a_provider_that_nobody_asks_is_wrong_where_its_stage_has_no_other() -> None:
    azure = Breaker("stt", "azure", "open", "quota", 240.0)
    others = (Breaker("stt", "pocketsphinx", "closed"), Breaker("tts", "azure", "closed"))
    healthy, what, remedy = only(replace(WELL, breakers=(azure, *others)))
    assert (healthy, what) == (
        True,
        "stt: azure is not asked, for 240 s more (quota); pocketsphinx does its work",
    )
    assert remedy.startswith("Raise the quota")

    healthy, what, _ = only(replace(WELL, breakers=(replace(azure, state="half-open"), others[1])))
    assert (healthy, what) == (
        False,
        "stt: azure is to be tried again (quota), and no other provider is there",
    )
