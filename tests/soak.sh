#!/usr/bin/env bash
# The long form of the tests marked `soak` (tests/soaking.py): full kill counts, long simulations; then the loop
# for LOOP_SECONDS, two hours (tests/soak_loop). Hours on two cores. What ran, its commit, seed and result are
# written to docs/evidence/. With arguments, pytest gets them and the loop is left out.
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
if [ $# = 0 ]; then
  folder="$(mktemp -d)"
  echo "The loop, for ${LOOP_SECONDS:-7200} s; as far as it has come: $folder/report.json" >&2
  .venv/bin/python -m tests.soak_loop --seconds "${LOOP_SECONDS:-7200}" --seed "$DISCLOOP_SOAK_SEED" --out "$folder" || status=$?
  .venv/bin/python -m tests.soak_loop.evidence "$folder/report.json" >docs/evidence/soak.md
  echo "Written: docs/evidence/soak.md" >&2
fi
exit "$status"
