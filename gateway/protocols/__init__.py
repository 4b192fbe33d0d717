"""The ways in: each translates its frames to inputs of the core and the core's effects to its frames."""
