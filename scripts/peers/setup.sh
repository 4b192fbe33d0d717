#!/usr/bin/env bash
# Makes an environment for each peer in .venv-peers, apart from .venv: what one needs may not suit the other.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
for needs in scripts/peers/*.txt; do
  name=$(basename "$needs" .txt)
  venv=.venv-peers/$name
  [ ! "$venv/.installed" -nt "$needs" ] || continue
  echo "installing $(tr '\n' ' ' <"$needs")into $venv ..."
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$needs"
  touch "$venv/.installed"
done
