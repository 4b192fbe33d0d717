# `make run` and `make test` are all you need; each sets up what it uses first.
.PHONY: run test test-all check bench screenshots setup setup-dev

run: setup
	.venv/bin/speechbridge up --preset embedded

test: setup-dev
	scripts/test.sh

test-all: setup-dev
	scripts/test.sh ''

check: setup-dev
	.venv/bin/ruff format --check . && .venv/bin/ruff check .
	.venv/bin/mypy && .venv/bin/mypy scripts && .venv/bin/lint-imports --no-cache
	scripts/check_web.sh

bench: setup
	.venv/bin/speechbridge bench latency

screenshots: setup-dev
	.venv/bin/python scripts/screenshots.py

setup:
	@scripts/setup.sh embedded

setup-dev:
	@scripts/setup.sh dev
	@scripts/setup_node.sh
