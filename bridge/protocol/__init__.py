"""The native protocol `bridge.v1` as both sides see it: messages and bytes, without a socket."""
