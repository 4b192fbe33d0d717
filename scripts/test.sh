#!/usr/bin/env bash
# Runs all tests in three processes, of which one begins with those in a browser, which hear in real time and
# go before all others; then alone those that measure time. Takes pytest's `-m` for the marks to leave out;
# none for all tests.
set -uo pipefail
cd "$(dirname "$0")/.."

without=${1-slow}
also=${without:+ and not $without}
pytest=(.venv/bin/python -m pytest -q)
# Three processes, their workers and a node on two cores that are shared with others: eight times as long as alone.
export TEST_PATIENCE=${TEST_PATIENCE:-8}
# Hundreds of processes start; with it each would compile the sources again.
unset PYTHONDONTWRITEBYTECODE
failed=0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
nice -n 5 scripts/test_web.sh >"$folder/web" 2>&1 &
web=$!

"${pytest[@]}" -n "${TEST_PROCESSES:-3}" --no-loadscope-reorder -m "not serial$also" || failed=1
wait $web || failed=1
sed -n '/^[^ ]* tests [0-9]/,$p' "$folder/web"  # how many, then what failed

mapfile -t measuring < <(grep -rl --include='test_*.py' 'mark\.serial' tests)
"${pytest[@]}" -m "serial$also" "${measuring[@]}" || failed=1
exit $failed
