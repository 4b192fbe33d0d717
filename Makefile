# `make run` and `make test` are all you need; each sets up what it uses first.
.PHONY: run test test-all check bench bench-peers screenshots setup setup-dev

run: setup
	.venv/bin/speechbridge up --preset embedded

test: setup-dev
	scripts/test.sh

test-all: setup-dev
	scripts/test.sh ''

check: setup-dev
	scripts/check.sh

bench: setup
	.venv/bin/speechbridge bench latency

bench-peers: setup
	scripts/peers/setup.sh
	.venv/bin/python scripts/benchmark-peers.py --json benchmarks/peers.json

screenshots: setup-dev
	.venv/bin/python scripts/screenshots.py

setup:
	@scripts/setup.sh embedded

setup-dev:
	@scripts/setup.sh dev
	@scripts/setup_node.sh
