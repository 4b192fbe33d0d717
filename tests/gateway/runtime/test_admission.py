"""The places of a gateway: taken, given back, refused."""

from __future__ import annotations

import pytest

from bridge.errors import ProtocolError
from bridge.protocol.wire import Close
from gateway.runtime.admission import RETRY_AFTER_MS, Places


def test_a_place_is_taken_for_as_long_as_it_is_held() -> None:
    places = Places(2)

    with places.one():
        with places.one():
            assert places.taken == 2
        assert places.taken == 1
    assert places.taken == 0


def test_one_more_than_all_is_refused_with_when_to_come_back() -> None:
    places = Places(1)

    with places.one():
        with pytest.raises(ProtocolError, match="All 1 places") as caught, places.one():
            pytest.fail("it was let in")
        assert (caught.value.code, caught.value.close_code) == ("overloaded", Close.OVERLOADED)
        assert caught.value.retry_after_ms == RETRY_AFTER_MS
        assert f"{RETRY_AFTER_MS // 1000} s" in caught.value.hint
        assert places.taken == 1
    with places.one():
        assert places.taken == 1


def test_a_place_is_given_back_after_an_error() -> None:
    places = Places(1)

    with pytest.raises(ZeroDivisionError), places.one():
        raise ZeroDivisionError
    assert places.taken == 0
