#!/usr/bin/env bash
# The long form of the tests marked `soak` (tests/soaking.py): full kill counts, long simulations.
# Hours on two cores. What ran, its commit, seed and result are written to docs/evidence/.
set -euo pipefail
cd "$(dirname "$0")/.."
export DISCLOOP_SOAK=1
export DISCLOOP_SOAK_SEED="${DISCLOOP_SOAK_SEED:-$(date -u +%s)}"
evidence="docs/evidence/soak-$(date -u +%Y-%m-%d).md"
output="$(mktemp)"
trap 'rm -f "$output"' EXIT
status=0
.venv/bin/pytest -m soak -p no:cacheprovider --durations=0 -v "$@" 2>&1 | tee "$output" || status=$?
mkdir -p docs/evidence
{
  echo "# Soak of $(date -u +%Y-%m-%d)"
  echo
  echo "Commit $(git rev-parse HEAD)$(git diff --quiet HEAD || echo ', with changes'), seed $DISCLOOP_SOAK_SEED, $(nproc) cores, exit $status."
  echo
  echo '```'
  grep -E '(PASSED|FAILED|ERROR)|^[0-9.]+s (call|setup)|^=.* in ' "$output" | sed -E 's/ +\[ *[0-9]+%\]//' || true
  echo '```'
} >"$evidence"
echo "Written: $evidence" >&2
exit "$status"
