"""Cues as files that players read."""

from __future__ import annotations

from bridge.captions import Cue, srt, vtt

CUES = [Cue(200, 1_200, ("Tom & <i>Jerry</i>",)), Cue(3_599_999, 3_725_042, ("one", "two"))]


def test_subrip_numbers_its_cues_and_writes_times_with_a_comma() -> None:
    assert srt(CUES) == (
        "1\n00:00:00,200 --> 00:00:01,200\nTom & <i>Jerry</i>\n\n2\n00:59:59,999 --> 01:02:05,042\none\ntwo\n"
    )


def test_webvtt_has_its_header_no_numbers_and_markup_as_text() -> None:
    assert vtt(CUES) == (
        "WEBVTT\n\n00:00:00.200 --> 00:00:01.200\nTom &amp; &lt;i&gt;Jerry&lt;/i&gt;\n"
        "\n00:59:59.999 --> 01:02:05.042\none\ntwo\n"
    )


def test_nothing_said_is_an_empty_file() -> None:
    assert (srt([]), vtt([])) == ("", "WEBVTT\n")
