#!/usr/bin/env bash
# Type-checks the web client, which is plain JavaScript with types in comments and has no build step.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t modules < <(find gateway/web -name '*.js' -o -name '*.mjs')
[ ${#modules[@]} != 0 ] || exit 0
[ -x node_modules/.bin/tsc ] || npm install --no-save --no-audit --no-fund --silent typescript
node_modules/.bin/tsc --noEmit --allowJs --checkJs --strict --target es2022 --module es2022 \
  --moduleResolution bundler --lib es2022,dom,dom.iterable "${modules[@]}"
