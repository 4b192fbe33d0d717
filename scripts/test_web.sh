#!/usr/bin/env bash
# Runs the tests of the web client's modules that need no browser.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t tests < <(find tests/gateway/web -name '*.test.js' | sort)
# This reporter ends with what failed, whose three hundred neighbours nobody reads.
node --test --test-reporter=spec "${tests[@]}"
