"""`python -m bridge.cli`: how `up` starts the other verbs."""

from bridge.cli import main

main()
