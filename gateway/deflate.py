"""WebSocket compression for text only: speech as PCM shrinks by a tenth and costs 1-5 ms a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
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


class TextDeflateProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with that extension in the place of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.config.ws_per_message_deflate:
            # 4 kB windows: captions are short, and 128 sessions would hold 128 windows.
            factory = TextDeflateFactory(
                server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
            )
            self.conn.available_extensions = [factory]
