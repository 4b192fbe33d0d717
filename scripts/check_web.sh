#!/usr/bin/env bash
# Type-checks the web client, which is plain JavaScript with types in comments and has no build step.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup_node.sh
node_modules/.bin/tsc -p tsconfig.json

long=$(find gateway/web -name '*.js' -o -name '*.css' -o -name '*.html' | xargs wc -l | awk '$2 != "total" && $1 > 250')
[ -z "$long" ] || { printf 'files of the web client over 250 lines:\n%s\n' "$long" >&2; exit 1; }
