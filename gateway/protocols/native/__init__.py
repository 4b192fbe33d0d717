"""`bridge.v1` on `WS /v1/stream`, as docs/protocol.md tells it."""
