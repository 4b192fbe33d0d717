"""Compression of what we send: text is compressed, speech is not."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode


class TextDeflate(PerMessageDeflate):
    """permessage-deflate that lets our binary messages pass as they are, as RFC 7692 section 6 allows."""

    _binary = False

    def encode(self, frame: Frame) -> Frame:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._binary = frame.opcode is Opcode.BINARY
        return frame if self._binary else super().encode(frame)


class TextDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees on it."""

    def process_request_params(
        self, params: Sequence[tuple[str, str | None]], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[tuple[str, str | None]], PerMessageDeflate]:
        agreed, extension = super().process_request_params(params, accepted_extensions)
        return agreed, TextDeflate(
            extension.remote_no_context_takeover,
            extension.local_no_context_takeover,
            extension.remote_max_window_bits,
            extension.local_max_window_bits,
            extension.compress_settings,
        )
