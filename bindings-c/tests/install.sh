#!/usr/bin/env bash
# Installs to a temporary folder and builds a program against it as a user would: pkg-config, the archive, C++ and cmake.
# usage: install.sh (in bindings-c; PROFILE and OUT as for make)
set -uo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0 skipped=0

expect() { # NAME COMMAND...
  local name=$1
  shift
  if output=$("$@" 2>&1); then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAILED: %s\n%s\n' "$name" "$output" >&2; fi
}
prefix=$folder/usr
expect install make --no-print-directory install PREFIX="$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
expect "pkg-config: version" test "$(pkg-config --modversion tokenwell)" = "$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' ../Cargo.toml)"
read -ra shared <<< "$(pkg-config --cflags --libs tokenwell)"
expect "shared: build" cc tests/static.c -o "$folder/shared" "${shared[@]}" -Wl,-rpath,"$prefix/lib"
expect "shared: run" "$folder/shared"
read -ra archive <<< "$(pkg-config --cflags tokenwell) $prefix/lib/libtokenwell.a $(pkg-config --static --libs-only-l tokenwell | sed 's/-ltokenwell//')"
expect "archive: build" cc tests/static.c -o "$folder/archive" "${archive[@]}"
expect "archive: run" "$folder/archive"
read -ra curl <<< "$(pkg-config --cflags --libs tokenwell libcurl)"
expect "libcurl example: build" cc -Wall -Wextra -Werror ../examples/c/call_api.c -o "$folder/call_api" "${curl[@]}" -Wl,-rpath,"$prefix/lib"
calls_api() { [[ $(python3 ../.ci/with_server.py sh -c '"$0" "$TOKENWELL_TOKEN_ENDPOINT"' "$folder/call_api" 2>&1) == *"HTTP status 40"* ]]; }
expect "libcurl example: run" calls_api
expect "ffi.h names the library" grep -q "^#define FFI_LIB \"$prefix/lib/libtokenwell.so.0\"" "$prefix/share/tokenwell/ffi.h"
expect "the schema of the options" cmp ../core/schema/config.schema.json "$prefix/share/tokenwell/config.schema.json"
printf '#include <tokenwell.hpp>\nint main() { return tokenwell_version() == nullptr; }\n' > "$folder/program.cpp"
if command -v c++ > /dev/null; then
  expect "C++: build" c++ "$folder/program.cpp" -o "$folder/cpp" "${shared[@]}" -Wl,-rpath,"$prefix/lib"
  expect "C++: run" "$folder/cpp"
else
  skipped=$((skipped + 1)); echo "skipped: C++: no c++ compiler is installed"
fi
# As an archive that was unpacked somewhere else than where it was made for.
moved=$folder/moved
mv "$prefix" "$moved"
export PKG_CONFIG_PATH=$moved/lib/pkgconfig
read -ra shared <<< "$(pkg-config --define-variable=prefix="$moved" --cflags --libs tokenwell)"
expect "moved: build" cc tests/static.c -o "$folder/moved-program" "${shared[@]}" -Wl,-rpath,"$moved/lib"
expect "moved: run" "$folder/moved-program"
if command -v cmake > /dev/null; then
  cp tests/static.c "$folder/program.c"
  printf 'cmake_minimum_required(VERSION 3.16)\nproject(p C)\nfind_package(tokenwell REQUIRED)\nadd_executable(p program.c)\ntarget_link_libraries(p tokenwell::tokenwell)\nadd_executable(s program.c)\ntarget_link_libraries(s tokenwell::static)\n' > "$folder/CMakeLists.txt"
  expect "cmake: configure" cmake -S "$folder" -B "$folder/build" -DCMAKE_PREFIX_PATH="$moved"
  expect "cmake: build" cmake --build "$folder/build"
  expect "cmake: run" "$folder/build/p"
  expect "cmake: run, static" "$folder/build/s"
else
  skipped=$((skipped + 1)); echo "skipped: cmake is not installed"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
