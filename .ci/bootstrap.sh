#!/usr/bin/env bash
# Puts in place what the given command needs: system packages (as root on Debian; else it says what to install and stops),
# the Python environment in .venv, and the npm packages. What is there already is left alone.
# usage: bootstrap.sh demo|test|bench|fuzz|lint|dist|other-systems
cd "$(dirname "$0")/.."
set -euo pipefail
command=${1:?"usage: bootstrap.sh demo|test|bench|fuzz|lint|dist|other-systems"}

has() { command -v "$1" > /dev/null 2>&1; }
mkdir -p build/logs
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# --- the three toolchains, which a person chooses and installs
toolchains() {
  local missing=()
  has cargo && at_least 1.89 "$(cargo -V | cut -d' ' -f2)" || missing+=("Rust 1.89 or newer, with cargo, rustfmt and clippy")
  has python3 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || missing+=("Python 3.9 or newer")
  has node && has npm && at_least 20 "$(node -p process.versions.node)" || missing+=("Node.js 20 or newer, with npm")
  [ ${#missing[@]} = 0 ] && return
  echo "make $command needs these first; install them, and run it again:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

# --- system packages: Debian's name, what for, and how to see that it is there
packages=() reasons=()
need() {
  local package=$1 reason=$2
  shift 2
  "$@" > /dev/null 2>&1 || { packages+=("$package"); reasons+=("$reason"); }
}
php_with() { php -r "exit(PHP_VERSION_ID >= 80200 && extension_loaded('$1') ? 0 : 1);"; }
debian_rust() { at_least 1.89 "$(/usr/bin/rustc -V | cut -d' ' -f2)"; }
php_fpm() { compgen -G '/usr/sbin/php-fpm*' || has php-fpm; }

find_missing() {
  packages=() reasons=()
  need gcc "C compiler" has cc
  need libc6-dev "C headers" test -e /usr/include/stdio.h
  need pkg-config "pkg-config" has pkg-config
  need python3-venv "Python's venv and ensurepip" python3 -c 'import venv, ensurepip'
  if [ "$command" = fuzz ]; then
    need g++ "C++ compiler, with which libFuzzer is built" has c++
  elif [ "$command" = other-systems ]; then
    need rustc-web "Rust 1.89 or newer in /usr/bin, whose standard library can be built for other systems" debian_rust
    need rust-web-src "the sources of that library" test -e /usr/lib/rustlib/src/rust/library/Cargo.lock
    need gcc-mingw-w64-x86-64 "a C compiler for Windows" has x86_64-w64-mingw32-gcc
    need wine64 "Wine, which runs programs for Windows" test -x /usr/lib/wine/wine64
  elif [ "$command" != lint ] && [ "$command" != dist ]; then
    need php-cli "PHP 8.2 or newer with FFI" php_with FFI
  fi
  if [ "$command" = bench ]; then
    need ca-certificates "the certificate authorities that a machine trusts" test -e /etc/ssl/certs/ca-certificates.crt
    need php-curl "PHP's curl" php_with curl
    need libjansson-dev "jansson, with which libcurl's contestants read answers" pkg-config --exists jansson
    need libcurl4-openssl-dev "libcurl" pkg-config --exists libcurl
    need golang-go "Go" has go
    need golang-golang-x-oauth2-dev "Go's x/oauth2" test -d /usr/share/gocode/src/golang.org/x/oauth2
    need strace "strace, which counts system calls" has strace
  fi
  if [ "$command" = demo-fleet ] || [ "$command" = test ] || [ "$command" = bench ]; then
    need redis-server "Redis" has redis-server
  fi
  if [ "$command" = test ]; then
    need php-cli "PHP's opcache" php_with "Zend OPcache"
    need php-fpm "php-fpm" php_fpm
    need libfcgi-bin "cgi-fcgi, which asks php-fpm" has cgi-fcgi
    need phpunit "PHPUnit" has phpunit
    need libjansson-dev "jansson, with which the C tests read scenarios" pkg-config --exists jansson
    need libcurl4-openssl-dev "libcurl, with which the C tests ask the server" pkg-config --exists libcurl
    need php-guzzlehttp-guzzle "Guzzle, whose middleware is tested" test -e /usr/share/php/GuzzleHttp/autoload.php
    need php-psr-http-client "PSR-18's interfaces" test -e /usr/share/php/Psr/Http/Client/autoload.php
    need g++ "C++ compiler, which reads tokenwell.hpp" has c++
    need cmake "cmake, which finds the installed package" has cmake
    need openssl "openssl, which makes the tests' private CA" has openssl
    need valgrind "valgrind, which looks for leaks" has valgrind
    need gnome-keyring "a key ring to read from" has gnome-keyring-daemon
    need libsecret-tools "secret-tool, which reads it" has secret-tool
    need dbus-daemon "the bus between the two" has dbus-daemon
    need curl "curl, which the command line runs" has curl
    need git "git" has git
    need iproute2 "ip, which makes a network of its own for a test" has ip
  fi
}

# Installs without starting the packages' services: nothing that is installed here may run on its own.
apt_install() {
  local guard=/usr/sbin/policy-rc.d
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e "$guard" ]; then
    guarded=yes
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$guard"
    chmod +x "$guard"
  fi
  { apt-get update && apt-get install -y --no-install-recommends "$@"; } > build/logs/apt-get.log 2>&1 < /dev/null || {
    tail -n 30 build/logs/apt-get.log >&2
    echo "make $command: apt-get failed (all of it: build/logs/apt-get.log)" >&2
    exit 1
  }
  if [ -n "${guarded:-}" ]; then rm -f "$guard"; fi
}

system_packages() {
  find_missing
  [ ${#packages[@]} = 0 ] && return
  local list
  list=$(printf '%s\n' "${packages[@]}" | sort -u | tr '\n' ' ')
  if has apt-get && [ "$(id -u)" = 0 ]; then
    echo "== installing with apt-get: $list"
    # shellcheck disable=SC2086
    apt_install $list
    find_missing
    [ ${#packages[@]} = 0 ] && return
    echo "make $command: apt-get ran, and these are still missing:" >&2
    printf '  %s\n' "${reasons[@]}" >&2
    exit 1
  fi
  echo "make $command needs more than is installed:" >&2
  printf '  %s\n' "${reasons[@]}" >&2
  if has apt-get; then
    echo "Install it with this command (it needs root), and run make $command again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $list" >&2
  else
    echo "Only Debian's packages are installed automatically. Install the above with this system's package manager, and run make $command" >&2
    echo "again. On Debian it would be:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends $list" >&2
  fi
  exit 1
}

toolchains
system_packages

case $command in lint | fuzz | other-systems) exit 0 ;; esac

# --- Python and npm packages
. .ci/lib.sh

make_venv() {
  say "Python packages, in .venv"
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
}
.venv/bin/python -c '' 2> /dev/null || rm -rf .venv  # its Python is gone, or there is none
once .venv/.made-of bindings-python/requirements-dev.txt -- make_venv

# Not `npm ci`: it refuses a lock file that lacks an optional package of another platform, which not every registry has.
npm_install() {
  say "npm packages of $1"
  npm install --prefix "$1" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
}
npm_packages() { once "$1/node_modules/.made-of" "$1/package.json" "$1/package-lock.json" -- npm_install "$1"; }
npm_packages bindings-node
if [ "$command" = test ]; then
  npm_packages core/conformance/oidc-provider
  npm_packages examples/postman
fi
if [ "$command" = bench ]; then
  npm_packages examples/benchmarks
  make_peers() {
    say "Python packages of the benchmarks"
    python3 -m venv examples/benchmarks/.venv
    examples/benchmarks/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r examples/benchmarks/peers-python.txt
  }
  examples/benchmarks/.venv/bin/python -c '' 2> /dev/null || rm -rf examples/benchmarks/.venv
  once examples/benchmarks/.venv/.made-of examples/benchmarks/peers-python.txt -- make_peers
fi
