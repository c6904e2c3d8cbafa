#!/usr/bin/env bash
# The measures of the house: says where the tree exceeds one, and fails then.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
found=0
complain() { [ -z "$2" ] && return; found=1; printf '%s:\n%s\n' "$1" "$2"; }
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done; }
sources() { files '*.rs' '*.py' '*.js' '*.mjs' '*.cjs' '*.ts' '*.php' | grep -vE '(^|/)(tests?|__test__|benches)/|\.d\.ts$'; }

complain "files over 500 lines" "$(sources | xargs -r wc -l | awk '$2 != "total" && $1 > 500 { print "  " $2 ": " $1 " lines" }')"

for binding in bindings-python bindings-node bindings-c; do
  lines=$(files "$binding/src/*.rs" | xargs -r cat | wc -l)
  [ "$lines" -gt 700 ] && complain "Rust of a binding over 700 lines" "  $binding/src: $lines lines"
done

complain "unsafe outside core/src/engine.rs and bindings-c" \
  "$(files '*.rs' | grep -vE '^core/src/engine\.rs$|^bindings-c/|/tests/' | xargs -r grep -nE '\bunsafe\b *(\{|fn|impl|extern)' | sed 's/^/  /')"

# Split, so that this file does not find itself.
complain "absolute paths of one machine" \
  "$(files | grep -vE '\.lock$' | xargs -r grep -nIE '(^|[^A-Za-z0-9_.-])/(''root|''work|''home/[a-z]+)/' | cut -c1-160 | sed 's/^/  /')"
complain "hosts of package registries" \
  "$(files | xargs -r grep -nIE 'registry\.(''npmjs|yarnpkg)|(''static|index)\.crates\.io|files\.''pythonhosted|''pypi\.org|deb\.''debian|''packagist\.org' | cut -c1-160 | sed 's/^/  /')"

[ $found = 0 ] && echo "the measures hold"
exit $found
