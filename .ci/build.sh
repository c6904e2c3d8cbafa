#!/usr/bin/env bash
# Builds what the given command needs; what has not changed since is not built again.
# usage: build.sh demo|dist|tests|wheel|node|c|rust|server|mago|contestants|peers|bench...
. "$(dirname "$0")/lib.sh"

# The development server and the Rust tests: cargo's dev profile. `--workspace` with one program: the features, and so what is
# built, are the same whoever asks for it.
server() { cargo build --locked --workspace --bin tokenwell-dev-server; }
tests() {
  cargo test --locked --workspace --no-run
  cargo build --locked --workspace --bin tokenwell-dev-server --bin get_access_token --bin bench-tokenwell
}

# What users get: the release profile.
make_wheel() {
  rm -rf build/wheel
  PATH=$PWD/.venv/bin:$PATH python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheel \
    --config-settings=build-args='--compatibility pypi' ./bindings-python
}
install_wheel() { .venv/bin/python -m pip install --quiet --no-index --no-deps --force-reinstall build/wheel/*.whl; }
wheel() {
  once build/wheel/.made-of Cargo.toml Cargo.lock core/Cargo.toml core/src core/cli core/dev-server/{Cargo.toml,src,keys} bindings-python/{Cargo.toml,pyproject.toml,README.md,src,python} LICENSE-* -- make_wheel
  once .venv/.wheel-made-of build/wheel -- install_wheel
}

make_node() { npm run --silent build --prefix bindings-node; }
node() {
  # As npm installs a package of a folder: the examples find the one that was just built.
  mkdir -p examples/node/node_modules
  ln -sfn ../../../bindings-node examples/node/node_modules/tokenwell
  compgen -G 'bindings-node/*.node' > /dev/null || rm -f build/node.made-of
  once build/node.made-of Cargo.toml Cargo.lock core/Cargo.toml core/src core/cli core/dev-server/{Cargo.toml,src,keys} bindings-node/{Cargo.toml,build.rs,src,package.json} -- make_node
}

# The static analyser for PHP: a program of its own, built once, without optimisation since the package is small.
install_mago() { cargo install mago --version 1.29.0 --locked --debug --root build/tools; }
mago() { once build/tools/.mago-made-of -- install_mago; }

# Runs the fuzz targets.
install_cargo_fuzz() { cargo install cargo-fuzz --version 0.13.2 --locked --debug --root build/tools; }
cargo_fuzz() { once build/tools/.cargo-fuzz-made-of -- install_cargo_fuzz; }

# Looks at what is linked in. It reads the sources of all platforms' crates.
install_cargo_deny() { cargo install cargo-deny --version 0.20.2 --locked --debug --root build/tools; }
audit() {
  once build/tools/.cargo-deny-made-of -- install_cargo_deny
  cargo fetch --quiet --locked
  cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml
}

c() { make -s --no-print-directory -C bindings-c PROFILE=release build examples; }

rust() { cargo build --locked --release -p tokenwell-examples --bin demo --bin outage; }

# Our own contestants of examples/benchmarks that have to be built, and what runs them all.
c_contestant() {
  local name=$1
  shift
  mkdir -p build/benchmarks/c
  ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -pthread -o "build/benchmarks/c/$name" "examples/benchmarks/programs/c/$name.c" "$@"
}
contestants() {
  mkdir -p build/benchmarks
  ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -o build/benchmarks/launch examples/benchmarks/launch.c
  c_contestant tokenwell -Ibindings-c/include -Lbuild/c -ltokenwell '-Wl,-rpath,$ORIGIN/../../c'
  mkdir -p examples/benchmarks/node_modules
  ln -sfn ../../../bindings-node examples/benchmarks/node_modules/tokenwell
}

# The contestants that are not ours, where they have to be built. Those in Rust are a package of their own, with its own lock file;
# Go's packages are Debian's, for which it is told not to look for modules.
peers() {
  local name
  for name in libcurl libcurl_kept; do
    # shellcheck disable=SC2046
    c_contestant "$name" $(pkg-config --cflags --libs libcurl jansson)
  done
  GO111MODULE=off GOPATH=/usr/share/gocode go build -o build/benchmarks/go/x_oauth2 examples/benchmarks/programs/go/x_oauth2.go
  cargo build --locked --profile plain --manifest-path examples/benchmarks/programs/rust/peers/Cargo.toml --target-dir target
}

install_wheel_among_peers() { examples/benchmarks/.venv/bin/python -m pip install --quiet --no-index --no-deps --force-reinstall build/wheel/*.whl; }
# What the contestants share is compiled as what is installed: a machine may keep Python from writing that down when it runs them.
compile_contestants() { examples/benchmarks/.venv/bin/python -m compileall -q examples/benchmarks/programs/python; }
# What `make bench` measures: the release builds, the contestants in Rust as cargo builds them for whoever depends on the crate.
bench() {
  c
  wheel
  once examples/benchmarks/.venv/.wheel-made-of build/wheel -- install_wheel_among_peers
  compile_contestants
  node
  contestants
  peers
  cargo build --locked --profile plain -p tokenwell-benchmarks -p tokenwell-dev-server
}

demo() { server; c; wheel; node; rust; }

# What is linked into the npm package and into the C library, as CycloneDX: the tool that maturin has built in for the wheel. It
# writes beside every manifest of the workspace.
install_cargo_cyclonedx() { cargo install cargo-cyclonedx --version 0.5.9 --locked --debug --root build/tools; }
sbom() {
  once build/tools/.cargo-cyclonedx-made-of -- install_cargo_cyclonedx
  build/tools/bin/cargo-cyclonedx cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --target "$CARGO_BUILD_TARGET" \
    --override-filename of-one-crate.cdx
  for part in bindings-node bindings-c; do
    sed "s|$PWD/||g" "$part/of-one-crate.cdx.json" > "$part/tokenwell.cdx.json"
  done
  find core examples bindings-* -name of-one-crate.cdx.json -delete
}

# What is handed out: a wheel, an npm package and an archive for C, each with the licences and an SBOM. The SBOMs lie beside them, too.
dist() {
  wheel
  node
  sbom
  local name
  name=libtokenwell-$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)-$CARGO_BUILD_TARGET
  rm -rf dist
  mkdir -p "dist/$name"
  cp build/wheel/*.whl dist/
  cp LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY bindings-node/  # npm packs no links
  npm pack ./bindings-node --silent --ignore-scripts --pack-destination dist > /dev/null
  make --no-print-directory -C bindings-c PROFILE=release install DESTDIR="$PWD/dist/$name" PREFIX=/usr/local > /dev/null
  cp LICENSE-MIT LICENSE-APACHE LICENSE-THIRD-PARTY CHANGELOG.md bindings-c/README.md bindings-c/tokenwell.cdx.json "dist/$name/"
  tar -C dist --owner=0 --group=0 --sort=name -czf "dist/$name.tar.gz" "$name"
  rm -rf "dist/$name"
  python3 .ci/contents.py --extract
  ls -l dist
}

mkdir -p build/tools
for part in "$@"; do "$part"; done
