#!/usr/bin/env bash
# Runs all tests: those in a browser, which mostly wait and hear in real time, beside all others, these in two
# processes that step back for the browser; then alone those that measure time. Takes pytest's `-m` for the
# marks to leave out; none for all tests.
set -uo pipefail
cd "$(dirname "$0")/.."

without=${1-slow}
also=${without:+ and not $without}
pytest=(.venv/bin/python -m pytest -q)
# Three processes, their workers and a node on two cores that are shared with others: eight times as long as alone.
export TEST_PATIENCE=${TEST_PATIENCE:-8}
failed=0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
nice -n 5 scripts/test_web.sh >"$folder/web" 2>&1 &
web=$!
"${pytest[@]}" -m "browser and not serial$also" tests/browser >"$folder/browser" 2>&1 &
browser=$!

nice -n 5 "${pytest[@]}" -n "${TEST_PROCESSES:-2}" --no-loadscope-reorder \
  -m "not serial and not browser$also" || failed=1
wait $browser || failed=1
cat "$folder/browser"
wait $web || failed=1
sed -n '/^[^ ]* tests [0-9]/,$p' "$folder/web"  # how many, then what failed

mapfile -t measuring < <(grep -rl --include='test_*.py' 'mark\.serial' tests)
"${pytest[@]}" -m "serial$also" "${measuring[@]}" || failed=1
exit $failed
