#!/usr/bin/env bash
# Makes .venv with the extra named (embedded, dev) and sees to what pip cannot install: Apertium, Redis,
# Python's venv; for dev also Node and, where apt has them, Chromium and promtool. A second run with nothing to do
# takes 0.1 s.
set -euo pipefail
cd "$(dirname "$0")/.."

extra=${1:-embedded}
python=${PYTHON:-python3}
venv=.venv
packages=()

fail() {
  printf 'error: %s\n→ %s\n' "$1" "$2" >&2
  exit 1
}

apt_install() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    as_root=(sudo)
    sudo -n true 2>/dev/null || fail "$* must be installed, which needs your password." \
      "sudo apt-get update && sudo apt-get install -y $*"
  fi
  command -v apt-get >/dev/null ||
    fail "$* must be installed, and this system has no apt-get." "Install them with its own package manager."
  echo "installing $* ..."
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1; then
    "${as_root[@]}" apt-get update -q >/dev/null || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null ||
      fail "apt-get could not install $*." "apt-get update && apt-get install $*"
  fi
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "$python is missing or older than 3.11." "apt-get install python3, or make PYTHON=/path/to/python3.11"

[ -e /usr/share/apertium/modes/eng-spa.mode ] || packages+=(apertium apertium-eng-spa)
[ -e /usr/share/apertium/modes/eng-cat.mode ] || packages+=(apertium-eng-cat)
if [ ! -x $venv/bin/python ]; then
  "$python" -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
fi
# pip has a Redis for Python up to 3.12 on x86-64 only.
if ! command -v redis-server >/dev/null; then
  "$python" -c 'import platform, sys; sys.exit(not (sys.version_info < (3, 13) and platform.machine() == "x86_64"))' ||
    packages+=(redis-server)
fi
if [ "$extra" = dev ]; then
  command -v npm >/dev/null || packages+=(nodejs npm)
  # Ubuntu's package is a snap that cannot be driven; there the browser tests ask for CHROMIUM=/path/to/chrome.
  if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null && ! command -v google-chrome >/dev/null; then
    grep -q '^ID=debian' /etc/os-release && packages+=(chromium)
  fi
  # Without it the tests of the alerts are skipped.
  if ! command -v promtool >/dev/null && command -v apt-get >/dev/null; then
    packages+=(prometheus)
  fi
fi
[ ${#packages[@]} = 0 ] || apt_install "${packages[@]}"
# The tests need promtool, not the server that Debian starts beside it, on a port that ours wants.
if [[ " ${packages[*]} " == *" prometheus "* ]]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" service prometheus stop >/dev/null 2>&1 || true
  [ ! -d /run/systemd/system ] || "${as_root[@]}" systemctl disable --quiet prometheus
fi

[ -x $venv/bin/python ] || "$python" -m venv $venv
stamp=$venv/.installed-$extra
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
  echo "installing the Python packages of '$extra' into $venv ..."
  options=()
  # The tests import a fifth of what torch and transformers bring; to compile all of it takes 30 s.
  [ "$extra" != dev ] || options+=(--no-compile)
  $venv/bin/python -m pip install -q --disable-pip-version-check "${options[@]}" -e ".[$extra]"
  touch "$stamp"
fi
