# SPDX-License-Identifier: MIT
# Thin verbs over the presets (CMakePresets.json). Nothing here is needed to work with cmake and ninja directly.
#
#   make run [DURATION=60]   install what is missing, fetch weights, build, show the demo (for so many seconds; 0: until Ctrl-C)
#   make test                install what is missing, build, run the tests
#   make lint                format and the checks of the tree, a few seconds
#   make install-deps        only the packages          make build     only the build
#   make package             a Debian package in build/ make format    clang-format over the tree
#   make clean               forget what was built and fetched
#   make help                this list
DURATION ?= 0
MAKEFLAGS += --no-print-directory

.PHONY: help run test lint install-deps build package format clean

.DEFAULT_GOAL := help
help:
	@sed -n "s/^#   //p" Makefile

run: install-deps
	@setup/build release kanhu kanhu-simulator kanhu-demo
	@setup/get-weights
	@faces=$$(ls -d run/faces/*.jpg 2>/dev/null | head -n 1); \
	build/release/tests/support/demo/kanhu-demo --duration $(DURATION) --models run/models $${faces:+--faces run/faces}

test: build
	@setup/get-node-zeromq
	@ctest --preset release -j $$(($$(nproc) + 1)) $(CTEST_FLAGS)  # most of the time of most tests is waiting

install-deps:
	@setup/install-deps build run test

build: install-deps
	@setup/build release

package: build
	@setup/install-deps package
	@cpack --config build/release/CPackConfig.cmake -G DEB -B build/package
	@rm -rf build/package/_CPack_Packages

lint:
	@setup/lint

format:
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

clean:
	@rm -rf build run
