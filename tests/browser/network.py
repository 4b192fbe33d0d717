"""The way between a browser and the gateway: a relay on loopback that can be cut, stalled and mended."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

PIECE = 65_536


class Network:
    """Listens on a port of its own and relays to another one, until it is told not to."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flows = threading.Event()
        self._flows.set()
        self._up = True
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Resets all connections and refuses new ones."""
        self._up = False
        self._reset()

    def reset(self) -> None:
        """Resets all connections; new ones are carried at once."""
        self._reset()

    def stall(self) -> None:
        """Lets connections stand and carries nothing: a train in a tunnel."""
        self._flows.clear()

    def mend(self) -> None:
        """All is as before; what stalled goes on."""
        self._up = True
        self._flows.set()

    def close(self) -> None:
        self._listener.close()
        self.cut()
        self._flows.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(inner,), daemon=True).start()

    def _connect(self, inner: socket.socket) -> None:
        try:
            if not self._up:
                raise ConnectionError
            outer = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            _drop(inner)
            return
        with self._lock:
            self._sockets |= {inner, outer}
        for source, sink in ((inner, outer), (outer, inner)):
            threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _reset(self) -> None:
        with self._lock:
            dropped, self._sockets = self._sockets, set()
        for each in dropped:
            _drop(each)


def _drop(connection: socket.socket) -> None:
    """Ends a connection as a lost peer does: with a reset, not with a farewell."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        connection.close()
