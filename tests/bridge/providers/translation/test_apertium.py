"""Real translation pipes, also stopped, killed and fed with what breaks their stream format."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import LanguageError, ProviderBusy, ProviderError, ProviderMissing
from bridge.providers.translation.apertium import Apertium, ApertiumOptions, Pipe
from bridge.settings import Settings
from bridge.types import Phrase

pytestmark = pytest.mark.provider

REPOSITORY = Path(__file__).parents[4]
QUESTION = "Where is the train station?"
ANSWER = "Dónde está la estación de tren?"


@pytest.fixture
def apertium() -> Iterator[Apertium]:
    try:
        made = Apertium(ApertiumOptions(apertium_timeout_ms=5_000))
    except ProviderMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    yield made
    made.close()


def say(apertium: Apertium, text: str, source: str = "en", target: str = "es") -> str:
    return apertium.translate(Phrase(text, source, target)).text


@contextmanager
def in_a_hurry(apertium: Apertium) -> Iterator[Pipe]:
    """Programs that are started, which takes a busy machine its time, and have 300 ms for each text now."""
    assert say(apertium, QUESTION) == ANSWER
    pipe = apertium.pipe("en", "es")
    pipe._timeout, patient = 0.3, pipe._timeout
    yield pipe
    pipe._timeout = patient


def alive(pids: list[int]) -> list[int]:
    """Those of the processes that still run; a zombie has ended, whoever is to collect it."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            pass
    return found


def ends(pids: list[int], seconds: float = 5) -> bool:
    limit = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < limit:
        time.sleep(0.01)
    return not alive(pids)


def test_both_directions_translate(apertium: Apertium) -> None:
    assert say(apertium, QUESTION) == ANSWER
    assert "train" in say(apertium, "¿Dónde está la estación de tren?", "es", "en")


def test_text_without_a_full_stop_gets_none(apertium: Apertium) -> None:
    assert say(apertium, "go forward ten meters") == "Ve adelante diez metros"
    assert say(apertium, "go forward ten meters.").endswith("metros.")
    assert say(apertium, "the red house") == "La casa roja"


def test_unknown_word_stays_without_a_mark(apertium: Apertium) -> None:
    assert say(apertium, "the zzqqy house") == "El zzqqy casa"


def test_characters_of_the_stream_format_survive(apertium: Apertium) -> None:
    for text in ("^ $ / [ ] { } \\ @ < > *", "^", "\\", "[[t:b:x]]", "^casax<n>$", "😀", "[]", "..."):
        assert say(apertium, text, "es", "en") == text
    assert say(apertium, "house\0tree\nhouse") == "Casa de árbol de la casa"


@settings(max_examples=200, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters() | st.sampled_from("^$/[]{}\\@<>*~#+\n\0 .a"), max_size=30))
def test_no_text_stops_the_pipe(apertium: Apertium, text: str) -> None:
    say(apertium, text)
    pids = apertium.pipe("en", "es").pids
    assert say(apertium, QUESTION) == ANSWER
    assert not pids or apertium.pipe("en", "es").pids == pids


def test_ten_thousand_characters_come_back_whole(apertium: Apertium) -> None:
    text = "I see the big house. " * 500
    assert say(apertium, text).count("casa") == 500


def test_translation_gives_up_before_its_stage_is_given_up() -> None:
    assert ApertiumOptions().apertium_timeout_ms < Settings().segment_run_ms


@pytest.mark.parametrize("target", ["es", "ca"])
@pytest.mark.parametrize(
    "piece", ["I see the big house. ", "please ", "that which is not ", "a", "^[]$", "1 2 "]
)
def test_longest_text_ends_before_its_stage_is_given_up(apertium: Apertium, piece: str, target: str) -> None:
    if ("en", target) not in apertium.pairs():
        if os.environ.get("CI"):
            pytest.fail("The setup installs this pair.")
        pytest.skip("The pair is not installed.")
    start = time.monotonic()
    with suppress(ProviderBusy):
        assert say(apertium, (piece * 10_000)[:10_000], "en", target)
    assert time.monotonic() - start < Settings().segment_run_ms / 1000


@pytest.mark.serial
def test_answer_comes_in_time_for_speech(apertium: Apertium) -> None:
    say(apertium, QUESTION)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        say(apertium, QUESTION)
        times.append(time.perf_counter() - start)
    assert sorted(times)[25] < 0.025


@pytest.mark.parametrize("which", [[0], [5], [-1], slice(None)], ids=["first", "middle", "last", "all"])
def test_killed_programs_are_replaced_with_the_next_text(
    apertium: Apertium, which: list[int] | slice
) -> None:
    say(apertium, QUESTION)
    before = apertium.pipe("en", "es").pids
    killed = before[which] if isinstance(which, slice) else [before[index] for index in which]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert say(apertium, QUESTION) == ANSWER
    assert not set(before) & set(apertium.pipe("en", "es").pids)
    assert ends(before)


def test_program_killed_during_a_text_does_not_lose_the_text(apertium: Apertium) -> None:
    text = "I see the big house. " * 500
    whole = say(apertium, text)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(say, apertium, text)
        os.kill(apertium.pipe("en", "es").pids[4], signal.SIGKILL)
        assert answer.result() == whole


def test_text_that_takes_longer_than_the_timeout_is_given_up(apertium: Apertium) -> None:
    hasty = Apertium(ApertiumOptions(apertium_timeout_ms=50))
    with pytest.raises(ProviderBusy, match="within 50 ms"):
        say(hasty, "I see the big house. " * 5_000)
    hasty.close()


def test_hung_program_is_given_up_in_time_and_replaced(apertium: Apertium) -> None:
    with in_a_hurry(apertium) as pipe:
        before = pipe.pids
        os.kill(before[5], signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(ProviderBusy, match="within 300 ms") as raised:
            say(apertium, QUESTION)
        assert time.monotonic() - start < 2
    assert raised.value.retryable
    assert not alive(before)
    assert say(apertium, QUESTION) == ANSWER


def test_text_that_fills_the_pipe_of_a_hung_program_is_given_up_in_time(apertium: Apertium) -> None:
    with in_a_hurry(apertium) as pipe, ThreadPoolExecutor(1) as pool:
        os.kill(pipe.pids[0], signal.SIGSTOP)
        answer = pool.submit(say, apertium, "word " * 40_000)
        with pytest.raises(ProviderBusy):
            answer.result(timeout=4)


def test_running_pair_costs_two_descriptors(apertium: Apertium) -> None:
    process = psutil.Process()
    before = process.num_fds()
    say(apertium, QUESTION)
    assert process.num_fds() == before + 2
    apertium.close()
    assert process.num_fds() == before


def test_caller_behind_a_hung_one_waits_no_longer_than_the_timeout(apertium: Apertium) -> None:
    with in_a_hurry(apertium) as pipe, ThreadPoolExecutor(3) as pool:
        os.kill(pipe.pids[5], signal.SIGSTOP)
        start = time.monotonic()
        outcomes = [pool.submit(say, apertium, QUESTION) for _ in range(3)]
        errors = [outcome.exception() for outcome in outcomes]
        assert time.monotonic() - start < 2
    assert any(isinstance(error, ProviderBusy) for error in errors)
    assert all(error is None or isinstance(error, ProviderBusy) for error in errors)


def test_hung_pair_holds_up_no_other_pair(apertium: Apertium) -> None:
    say(apertium, QUESTION)
    os.kill(apertium.pipe("en", "es").pids[5], signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(say, apertium, QUESTION)
        assert say(apertium, "una casa", "es", "en") == "A house"
        assert not stuck.done()
        os.kill(apertium.pipe("en", "es").pids[5], signal.SIGCONT)
        assert stuck.result() == ANSWER


def test_close_leaves_no_process(apertium: Apertium) -> None:
    say(apertium, QUESTION)
    pids = apertium.pipe("en", "es").pids
    assert alive(pids) == pids
    apertium.close()
    assert not alive(pids)
    assert apertium.pipe("en", "es").pids == []


def test_programs_of_a_killed_worker_end(apertium: Apertium) -> None:
    code = (
        "import sys; from bridge.providers import load; from bridge.types import Phrase;"
        "a = load('translation', 'apertium');"
        "a.translate(Phrase('house', 'en', 'es')); a.translate(Phrase('casa', 'es', 'en'));"
        "print(*a.pipe('en', 'es').pids, *a.pipe('es', 'en').pids, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout
        pids = [int(pid) for pid in worker.stdout.readline().split()]
        assert len(pids) > 10 and alive(pids) == pids
        worker.kill()
    assert ends(pids)


def test_pairs_are_the_installed_modes_of_known_languages(tmp_path: Path) -> None:
    for name in (
        "eng-spa",
        "spa-eng_US",
        "eng-spa-tagger",
        "eng-cat_valencia",
        "eng-cat_valencia_uni",
        "qqq-eng",
        "eng-eng",
        "en-es",
        "README",
    ):
        (tmp_path / f"{name}.mode").write_text("cat")
    pairs = Apertium(ApertiumOptions(apertium_modes=tmp_path)).pairs()
    assert pairs == {("en", "es"), ("en", "ca-valencia")}


def test_pair_that_is_not_installed_is_refused_with_those_that_are(apertium: Apertium) -> None:
    with pytest.raises(LanguageError, match=r"no pair en to ja here, only .*en to es") as raised:
        say(apertium, "house", "en", "ja")
    assert "apt-cache" in raised.value.hint


def test_missing_modes_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    with pytest.raises(ProviderMissing, match=str(tmp_path)) as raised:
        Apertium(ApertiumOptions(apertium_modes=tmp_path))
    assert raised.value.hint == "apt-get install apertium apertium-eng-spa"


def test_missing_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "eng-spa.mode").write_text("cat | no-such-program 'x'")
    apertium = Apertium(ApertiumOptions(apertium_modes=tmp_path))
    with pytest.raises(ProviderMissing, match="no-such-program"):
        say(apertium, "house")


def test_mode_whose_programs_always_end_is_reported(tmp_path: Path) -> None:
    (tmp_path / "eng-spa.mode").write_text("false | cat")
    apertium = Apertium(ApertiumOptions(apertium_modes=tmp_path))
    with pytest.raises(ProviderError, match="eng-spa end instead of answering"):
        say(apertium, "house")
