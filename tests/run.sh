#!/usr/bin/env bash
# Every check: lint, types, import directions, tests. Two workers; PYTEST_WORKERS=N for more cores.
# With arguments, pytest gets them in place of everything: tests/run.sh tests/backend -k ledger
set -euo pipefail
cd "$(dirname "$0")/.."

ensure_chromium() {
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return
  done
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests" >&2
    if apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >&2; then
      return
    fi
  fi
  echo "make test: expected Chromium on the PATH, found none; install it (Debian: apt-get install chromium)" >&2
  exit 2
}

ensure_chromium
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/lint-imports
.venv/bin/mypy
exec .venv/bin/pytest -n "${PYTEST_WORKERS:-2}" --dist loadgroup --no-loadscope-reorder --durations=15 -q "$@"
