#!/usr/bin/env bash
# Installs the tools that check the web client (package.json) into node_modules, once.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=node_modules/.installed
[ -e $stamp ] && [ ! package.json -nt $stamp ] && exit 0
npm install --no-audit --no-fund --silent
touch $stamp
