#!/usr/bin/env bash
# For systems that this machine is not: compiles the core, the command line and the bindings, and runs the core's tests for Windows under
# Wine. Their standard libraries are not installed: cargo builds them from the sources that Debian has beside its compiler.
. "$(dirname "$0")/lib.sh"
unset CARGO_BUILD_TARGET
made=$PWD/build/other-systems
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$PWD/target/other-systems CARGO_PROFILE_DEV_DEBUG=false
windows=x86_64-pc-windows-gnu compiled_only=(aarch64-apple-darwin aarch64-unknown-linux-gnu x86_64-unknown-linux-musl)
mkdir -p "$made"

build() { cargo "$1" --locked -Z build-std=std,panic_unwind,test "${@:2}"; }

targets=(--target "$windows") packages=(tokenwell tokenwell-dev-server tokenwell-cli tokenwell-c tokenwell-python tokenwell-node)
say "compiled, not linked: $windows ${compiled_only[*]}"
# So that a C compiler which makes empty files is enough for the parts in C, and an empty library for Node.js on Windows.
printf '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done\n' > "$made/no-compiler"
chmod +x "$made/no-compiler"
: > "$made/libnode.dll"
for target in "${compiled_only[@]}"; do
  export "CC_${target//-/_}=$made/no-compiler" "AR_${target//-/_}=$made/no-compiler"
  targets+=(--target "$target")
done
# As for every shared library of musl.
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-C target-feature=-crt-static"
SDKROOT=$made LIBNODE_PATH=$made build check "${targets[@]}" "${packages[@]/#/--package=}" 2>&1 | tee "$made/check.log"
if grep -q '^warning: `tokenwell' "$made/check.log"; then
  echo "make other-systems: warnings" >&2
  exit 1
fi

say "Windows: the core's tests, under Wine"
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=/usr/lib/wine/wine64 WINEPREFIX=$made/wine WINEDEBUG=-all
trap '/usr/lib/wine/wineserver64 --kill' EXIT
/usr/lib/wine/wine64 wineboot --init
x86_64-w64-mingw32-gcc -shared -O2 -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" .ci/wine_random.c -ladvapi32
build test --target "$windows" -p tokenwell --no-fail-fast --lib --test file_store --test file_store_kill --test keyring_windows
# One thread of Wine's serves all those of a program: crowds of them come late.
build test --target "$windows" -p tokenwell --test conformance -- --skip callers --skip waiters
