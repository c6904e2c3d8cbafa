#!/usr/bin/env bash
# Counts the instructions of one call for a token, and of the free of its handle, under callgrind: the difference of a run
# with many calls and one with few. Unlike time, the count does not depend on what else the machine does.
# usage: instructions.sh PROGRAM
set -euo pipefail
command -v valgrind > /dev/null || { echo "valgrind is not installed: apt-get install valgrind"; exit 1; }
export RUST_BACKTRACE=0

counted() { # CACHE CALLS
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 < /dev/null |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' | grep .
}

# The most that one call may cost. Runs on one machine differ by 0.2 %: 286 and 123,700 were counted, 65,536 of these for the bytes of
# stack that are wiped. A fifth more is allowed, since other processors take other ways through memcpy and the hashes.
at_most() { # NAME CACHE FEW MANY LIMIT
  local few many each
  few=$(counted "$2" "$3") many=$(counted "$2" "$4")
  each=$(((many - few) / ($4 - $3)))
  printf '%-14s %7d instructions, at most %d\n' "$1" "$each" "$5"
  [ "$each" -gt 0 ] && [ "$each" -le "$5" ]
}

program=$1
failed=0
at_most "a cached token" memory 1000 21000 345 || failed=1
at_most "a fetch" none 20 120 148000 || failed=1
exit $failed
