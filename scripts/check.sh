#!/usr/bin/env bash
# Checks form, types, imports and the web client beside each other, and shows what each of them said in turn.
set -uo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
names=()

# Runs a command beside the others; the name is for the reader.
begin() {
  local name=$1
  shift
  names+=("$name")
  { "$@" >"$folder/$name" 2>&1; echo $? >"$folder/$name.code"; } &
}

form() {
  .venv/bin/ruff format --check . && .venv/bin/ruff check .
}

# Without a cache, as in CI, one process takes 68 s of processor.
begin types .venv/bin/mypy --num-workers 2
begin form form
begin imports .venv/bin/lint-imports --no-cache
begin web scripts/check_web.sh
wait

failed=0
for name in "${names[@]}"; do
  echo "--- $name"
  cat "$folder/$name"
  [ "$(cat "$folder/$name.code")" = 0 ] || failed=1
done
exit $failed
