# shellcheck shell=bash
# Sourced by the scripts beside it: where things are, and doing a step only when what it reads has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One target for every caller of cargo (the napi CLI always names one), so that all share what is built.
CARGO_BUILD_TARGET=${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
export CARGO_BUILD_TARGET

say() { printf '\n== %s\n' "$*"; }

# The content of the files below the given paths, as one hash; what is built or installed there does not count.
fingerprint() {
  [ $# = 0 ] && return
  find "$@" \( -name node_modules -o -name __pycache__ -o -name target -o -name dist -o -name .venv \) -prune -o \
    -type f ! -name '*.node' ! -name '*.so' ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}

# once STAMP INPUT... -- COMMAND...: runs the command unless it made STAMP of the same inputs before. A stamp lies beside what
# the command makes, so that one goes with the other.
once() {
  local stamp=$1 inputs=() now
  shift
  while [ "$1" != -- ]; do inputs+=("$1"); shift; done
  shift
  now="$(fingerprint "${inputs[@]}") $(rustc -V) $* $(declare -f "$1" || true)"
  if [ "$(cat "$stamp" 2> /dev/null)" = "$now" ]; then return; fi
  rm -f "$stamp"
  "$@"
  printf '%s' "$now" > "$stamp"
}
