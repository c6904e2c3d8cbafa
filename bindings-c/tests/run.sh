#!/usr/bin/env bash
# Runs the C test programs FOLDER/test-NAME, or the script NAME.sh beside this one that runs it in its way, adds up what they
# counted, and fails if one fails or counts nothing.
# usage: run.sh FOLDER NAME...
set -uo pipefail
here=$(dirname "$0") folder=$1
shift
export RUST_BACKTRACE=0
passed=0 failed=0 skipped=0
for name in "$@"; do
  command=("$folder/test-$name")
  [ -x "$here/$name.sh" ] && command=("$here/$name.sh" "$folder/test-$name")
  output=$("${command[@]}" < /dev/null)
  code=$?
  line=$(printf '%s\n' "$output" | grep -E '^[0-9]+ passed, [0-9]+ failed' | tail -n 1)
  printf '%-12s %s\n' "$name" "${line:-exit code $code and no count}"
  read -r p f s <<< "$(printf '%s' "$line" | tr -dc '0-9 ' | tr -s ' ')"
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  if [ -z "$line" ] || { [ "$code" != 0 ] && [ "${f:-0}" = 0 ]; }; then
    printf '%s\n' "$output" | tail -n 5
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
