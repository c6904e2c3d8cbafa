#!/usr/bin/env bash
# Runs a program under valgrind: no definite leak, no error. The library's own thread lives on and shows as `possibly lost`.
# usage: leaks.sh PROGRAM
set -uo pipefail
command -v valgrind > /dev/null || { echo "valgrind is not installed: apt-get install valgrind"; exit 1; }
# ring's assembly writes what memcheck takes for uninitialised, so only leaks and invalid accesses count. A captured backtrace would keep 31 MB of symbols reachable.
export RUST_BACKTRACE=0
if output=$(valgrind --suppressions="$(dirname "$0")/leaks.supp" --error-exitcode=9 --undef-value-errors=no --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite "$1" 2>&1 < /dev/null); then
  printf '%s\n' "$output" | grep -E 'definitely lost|no leaks are possible|passed, '
  exit 0
fi
printf '%s\n' "$output" | tail -n 90
exit 1
