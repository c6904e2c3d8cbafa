# The commands a person types. What they do is in .ci; what is built and installed already is left alone.
export CARGO_BUILD_TARGET ?= $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

.PHONY: help demo demo-outage demo-fleet soak simulation bench test other-systems asan fuzz audit lint dist clean

help:
	@echo "make demo   a token in Python, Node, PHP, C and Rust, from the development server"
	@echo "make demo-outage   the server stops and fails in every way while 200 callers in each language ask for tokens"
	@echo "make demo-fleet   twelve processes of three languages share a store, in files and in Redis: one token request"
	@echo "make soak   the same with faults at random, for SECONDS=600"
	@echo "make simulation   a fleet of 100,000 processes on paper, drawn in examples/benchmarks/simulation"
	@echo "make bench  the figures of examples/benchmarks, against other libraries (ONLY=\"B1 B3\": these alone; ROUNDS=5)"
	@echo "make test   every suite of every language (ONLY=\"python node\": these alone)"
	@echo "            ONLY=lifecycle: what is known of a token's life, alone"
	@echo "make other-systems   the core and the bindings compiled for Windows, macOS, ARM and musl; the core's tests under Wine"
	@echo "make asan   the C tests with AddressSanitizer, for which the library is built anew"
	@echo "make fuzz   each fuzz target for SECONDS=60"
	@echo "make audit  licences, bans and sources of what is linked in, lock files; ADVISORY_DB=PATH: known advisories"
	@echo "make lint   format, clippy and the measures"
	@echo "make dist   wheel, npm tarball and C archive, in dist/"
	@echo "make clean  removes what was built; installed packages stay"

demo:
	@.ci/bootstrap.sh demo
	@.ci/build.sh demo
	@python3 .ci/demo.py

demo-outage:
	@.ci/bootstrap.sh demo
	@.ci/build.sh demo
	@python3 .ci/demo_outage.py

demo-fleet:
	@.ci/bootstrap.sh demo-fleet
	@.ci/build.sh demo
	@python3 .ci/demo_fleet.py

soak:
	@.ci/bootstrap.sh demo
	@.ci/build.sh demo
	@python3 .ci/soak.py $(SECONDS)

simulation:
	@.ci/bootstrap.sh lint
	@cargo run --quiet --locked --release -p tokenwell-simulation

bench:
	@.ci/bootstrap.sh bench
	@.ci/build.sh bench
	@ROUNDS="$(ROUNDS)" python3 examples/benchmarks/bench.py $(ONLY)

test:
	@.ci/bootstrap.sh test
	@python3 .ci/test.py $(ONLY)

other-systems:
	@.ci/bootstrap.sh other-systems
	@.ci/other_systems.sh

asan:
	@.ci/bootstrap.sh test
	@.ci/build.sh server
	@$(MAKE) --no-print-directory -C bindings-c asan

fuzz:
	@.ci/bootstrap.sh fuzz
	@.ci/build.sh cargo_fuzz
	@python3 .ci/fuzz.py $(or $(SECONDS),60) $(ONLY)

audit:
	@.ci/bootstrap.sh lint
	@.ci/build.sh audit
	@python3 .ci/audit.py

lint:
	@.ci/bootstrap.sh lint
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --all-features -- -D warnings
	@.ci/measures.sh

dist:
	@.ci/bootstrap.sh dist
	@.ci/build.sh dist

clean:
	@cargo clean
	@rm -rf build/c build/benchmarks build/asan build/heaps build/wheel build/node.made-of build/logs bindings-c/php/lib bindings-node/*.node dist
