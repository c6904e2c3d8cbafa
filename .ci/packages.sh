#!/usr/bin/env bash
# Installs what `make dist` made into empty folders, as a user would, and gets a token with each. Needs no network.
. "$(dirname "$0")/lib.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0

# check NAME COMMAND...: the command's output must be one line, a token.
check() {
  local name=$1 output
  shift
  if output=$(python3 .ci/with_server.py "$@" < /dev/null 2>&1) && [[ $output =~ ^[A-Za-z0-9_-]+$ ]]; then
    echo "ok      $name"
    passed=$((passed + 1))
  else
    echo "FAILED  $name: $output"
    failed=$((failed + 1))
  fi
}

# Both licences are in the package.
check_licences() {
  if [ "$(python3 -m tarfile -l "$1" 2> /dev/null | grep -cE 'LICENSE-(MIT|APACHE) *$')" = 2 ] ||
    [ "$(python3 -m zipfile -l "$1" 2> /dev/null | grep -cE 'LICENSE-(MIT|APACHE) ')" = 2 ]; then
    echo "ok      licences in ${1##*/}"
    passed=$((passed + 1))
  else
    echo "FAILED  licences in ${1##*/}"
    failed=$((failed + 1))
  fi
}

wheel() {
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/python" -m pip install --quiet --no-index dist/*.whl
}
npm_package() {
  mkdir "$folder/node"
  cp examples/node/get_access_token.mjs "$folder/node/"
  npm install --silent --offline --no-audit --no-fund --prefix "$folder/node" ./dist/*.tgz
}
archive() {
  mkdir "$folder/c"
  tar -C "$folder/c" --strip-components=1 -xzf dist/*.tar.gz
  export PKG_CONFIG_PATH=$folder/c/usr/local/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$folder/c
  # shellcheck disable=SC2046
  cc examples/c/get_access_token.c $(pkg-config --cflags --libs tokenwell) -Wl,-rpath,"$folder/c/usr/local/lib" -o "$folder/c/program"
}

wheel && {
  check "wheel" "$folder/venv/bin/python" examples/python/get_access_token.py
  check "wheel, command line" "$folder/venv/bin/tokenwell" token
}
npm_package && {
  check "npm package" node "$folder/node/get_access_token.mjs"
  check "npm package, command line" "$folder/node/node_modules/.bin/tokenwell" token
}
archive && check "C archive" "$folder/c/program"
for package in dist/*.whl dist/*.tgz dist/*.tar.gz; do
  check_licences "$package"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
