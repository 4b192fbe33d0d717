#!/usr/bin/env bash
# Runs all tests: those of the web client's modules that need no browser beside the others, these in two
# processes, then alone those that measure time or hear in real time in a browser. Takes pytest's `-m` for the
# marks to leave out; none for all tests.
set -uo pipefail
cd "$(dirname "$0")/.."

without=${1-slow}
pytest=(.venv/bin/python -m pytest -q)
# Two processes, their workers and a node on two cores that are shared with others: five times as long as alone.
export TEST_PATIENCE=${TEST_PATIENCE:-5}
failed=0

web=$(mktemp)
trap 'rm -f "$web"' EXIT
scripts/test_web.sh >"$web" 2>&1 &

"${pytest[@]}" -n "${TEST_PROCESSES:-2}" --no-loadscope-reorder -m "not serial and not browser${without:+ and not $without}" || failed=1
mapfile -t measuring < <(grep -rl --include='test_*.py' 'mark\.serial' tests)
"${pytest[@]}" -m "(serial or browser)${without:+ and not $without}" tests/browser "${measuring[@]}" || failed=1

wait %1 || failed=1
cat "$web"
exit $failed
