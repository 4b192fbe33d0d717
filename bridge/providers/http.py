"""What engines behind HTTP share: one pool of connections each, deadlines, and errors that say what to do.

Proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY; SSL_CERT_FILE names an authority of one's own.
Errors hold neither keys nor what was said: of a server's answer they quote nothing but its code.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from bridge.errors import ProviderMissing, SettingsError, VendorError
from bridge.extras import install
from bridge.providers.http_options import Deadlines
from bridge.types import Audio

if TYPE_CHECKING:
    import httpx

CODE = re.compile(r"[a-z_]{3,40}")
"""Codes of servers that may be quoted; a key has digits or capitals."""

CONTAINERS = (b"RIFF", b"OggS", b"ID3", b"fLaC", b"{", b"<")
"""Beginnings of what is no bare PCM."""

QUOTA = frozenset({"insufficient_quota", "quota_exceeded", "billing_hard_limit_reached"})


class Remote:
    """One server and its pool of connections; may be asked from several threads."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        headers: Mapping[str, str],
        deadlines: Deadlines,
        *,
        key_variable: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise ProviderMissing("The httpx package is not installed.", install("cloud")) from None
        self.vendor = vendor
        self._key_variable = key_variable
        self._deadlines = deadlines
        self._sleep = sleep
        wait = deadlines.first_byte / 1000
        timeout = httpx.Timeout(wait, connect=deadlines.connect / 1000, pool=deadlines.connect / 1000)
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30)
        try:
            self._client = httpx.Client(
                base_url=base_url, headers=dict(headers), timeout=timeout, limits=limits
            )
        except (ImportError, ValueError, OSError) as error:
            raise SettingsError(
                f"No connection to {vendor} can be prepared: {type(error).__name__}.",
                "Look at its base URL, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE.",
            ) from None

    def json(self, path: str, **request: Any) -> dict[str, Any]:
        """The object that the server answers a POST with. Raises VendorError."""
        found = self._parsed(path, **request)
        if not isinstance(found, dict):
            raise self.bad_answer("no JSON object")
        return found

    def listed(self, path: str) -> list[dict[str, Any]]:
        """The list of objects that the server answers a GET with. Raises VendorError."""
        found = self._parsed(path, method="GET")
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self.bad_answer("no JSON list of objects")
        return found

    def audio(self, path: str, rate: int, **request: Any) -> Iterator[Audio]:
        """The pieces of bare PCM s16le that the server answers a POST with. Raises VendorError."""
        rest, heard = b"", False
        with self.stream(path, **request) as pieces:
            for piece in pieces:
                data = rest + piece
                if not heard and data.startswith(CONTAINERS):
                    raise self.bad_answer("something that is not bare PCM")
                whole = len(data) - len(data) % 2
                rest = data[whole:]
                if whole:
                    heard = True
                    yield Audio(data[:whole], rate)
        if not heard:
            raise self.bad_answer("no sound")

    @contextmanager
    def stream(self, path: str, *, method: str = "POST", **request: Any) -> Iterator[Iterator[bytes]]:
        """The body of the answer, piece by piece; leaving early closes the connection.

        Raises VendorError, for what breaks in mid-answer too.
        """
        import httpx

        end = time.monotonic() + self._deadlines.total / 1000
        try:
            response = self._answer(method, path, request)
            try:
                yield self._pieces(response, end)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise self._late(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise self._gone(error) from None

    def bad_answer(self, what: str) -> VendorError:
        """The error for an answer that cannot be used."""
        return VendorError(
            f"{self.vendor} answered with {what}.",
            "Look at the model and the base URL of this provider.",
            code="bad_answer",
            retryable=True,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _parsed(self, path: str, **request: Any) -> Any:
        """What the answer says in JSON, None where it is none."""
        import json

        with self.stream(path, **request) as pieces:
            body = b"".join(pieces)
        try:
            return json.loads(body)
        except ValueError:
            return None

    def _answer(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Response:
        """The answer whose body is still to come. Asks once more where a kept connection proves dead, and
        where the server wants a short wait."""
        import httpx

        for last in (False, True):
            try:
                response = self._client.send(self._client.build_request(method, path, **request), stream=True)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if last:
                    raise
                continue
            if response.status_code == 200:
                return response
            error = self._refused(response)
            wait = error.retry_after_ms
            if last or error.code != "rate_limited" or wait is None or wait > self._deadlines.patience:
                raise error
            self._sleep(wait / 1000)
        raise AssertionError("unreachable")

    def _pieces(self, response: httpx.Response, end: float) -> Iterator[bytes]:
        for piece in response.iter_bytes():
            if time.monotonic() > end:
                raise self._late("whole answer")
            yield piece

    def _refused(self, response: httpx.Response) -> VendorError:
        """The error behind a status. Reads the body for its code and closes the response."""
        try:
            response.read()
            said = _code(response)
        finally:
            response.close()
        status, who = response.status_code, self.vendor
        because = f"HTTP {status}{f', {said}' if said else ''}"
        if status in (402, 456) or said in QUOTA:
            return VendorError(
                f"The quota of this account of {who} is used up ({because}).",
                f"Raise it with {who}, or use another provider.",
                code="quota",
            )
        if status in (401, 403):
            return VendorError(
                f"{who} does not accept the key ({because}).",
                f"Correct {self._key_variable} and start the worker again.",
                code="auth",
            )
        if status == 429:
            return VendorError(
                f"{who} is asked too often ({because}).",
                "Try again later, raise the limit of the account, or run fewer workers.",
                code="rate_limited",
                retryable=True,
                retry_after_ms=_retry_after_ms(response.headers),
            )
        if status == 408:
            return self._late(because)
        if status >= 500:
            return VendorError(
                f"{who} is out of order ({because}).",
                "Try again later.",
                code="unavailable",
                retryable=True,
                retry_after_ms=_retry_after_ms(response.headers),
            )
        return VendorError(
            f"{who} refused the request ({because}).",
            "Look at the model, the voice and the base URL of this provider.",
            code="provider_failed",
        )

    def _late(self, what: str) -> VendorError:
        limits = self._deadlines
        return VendorError(
            f"{self.vendor} was too late ({what}).",
            f"It has {limits.connect} ms to connect, {limits.first_byte} ms to the first byte and "
            f"{limits.total} ms in all; the variables of this provider change that.",
            code="timeout",
            retryable=True,
        )

    def _gone(self, error: Exception) -> VendorError:
        certificate = "CERTIFICATE" in str(error).upper()
        return VendorError(
            f"{self.vendor} cannot be reached, or broke off: {type(error).__name__}"
            f"{', its certificate is not valid' if certificate else ''}.",
            "Name the authority by SSL_CERT_FILE, where it is your own."
            if certificate
            else "Look at the network, the proxy and the base URL of this provider.",
            code="unavailable",
            retryable=not certificate,
        )


def _code(response: httpx.Response) -> str:
    """The server's name of the case, where it says one that may be quoted."""
    try:
        body = response.json()
    except ValueError:
        return ""
    error = body.get("error", body.get("detail")) if isinstance(body, dict) else None
    found = (
        (error.get("code") or error.get("status") or error.get("type")) if isinstance(error, dict) else None
    )
    return found if isinstance(found, str) and CODE.fullmatch(found) else ""


def _retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """What Retry-After says: seconds, or a date."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0, round(float(text) * 1000))
    except (ValueError, OverflowError):
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    left = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    return max(0, round(left.total_seconds() * 1000))
