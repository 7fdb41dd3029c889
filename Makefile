# Every target sets up what it needs, can be run again, and does nothing when nothing has changed.
# `make help` lists them.

PYTHON ?= python3
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
# ON makes warnings errors; off for those who only use the package, since their compiler may know other warnings.
WERROR ?= OFF
# Arguments of `bochner reproduce`, for example ARGS="--quick --out /tmp/results".
ARGS ?=
PYTEST_ARGS ?=

BIN := .venv/bin
# One CMake folder makes the extension, the tests and the C++ benchmarks, so that each floor is compiled once.
BUILD := build/venv
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
FLOORS := core estimators experiments
# Folders too: their time changes when a file in them is removed.
SOURCES := CMakeLists.txt pyproject.toml $(shell find cmake $(FLOORS) python -name __pycache__ -prune -o -print)
CPP_FILES := $(shell find $(FLOORS) python/src tests benchmarks -name '*.cpp')
HEADERS := $(shell find $(FLOORS) python/src tests -name '*.h')
# The downstream project is not part of our build, so clang-tidy does not know its flags.
TIDY_STAMPS := $(patsubst %,$(BUILD)/tidy/%.stamp,$(filter-out tests/downstream/%,$(CPP_FILES)))

export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
# Where there is a ccache, a second clone of the same sources compiles nothing again.
export CMAKE_CXX_COMPILER_LAUNCHER ?= $(shell command -v ccache)
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

.PHONY: help setup reproduce test bench lint format clean system configure-all tidy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  variables: PYTHON=python3.12  CXX=g++-12  JOBS=4  WERROR=ON  ARGS="--quick"  PYTEST_ARGS="-k name"'

setup: system $(BUILD)/installed.stamp ## build the package and install it into .venv

reproduce: setup .venv/data.stamp .venv/data/packages.stamp ## run the main job into results/
	BOCHNER_DATA=$(or $(BOCHNER_DATA),$(CURDIR)/.venv/data) $(BIN)/bochner reproduce $(ARGS)

test: setup configure-all .venv/test.stamp ## run the C++ tests and the Python tests
	@command -v chromium >/dev/null || tools/system_packages.sh chromium
	$(BIN)/cmake --build $(BUILD)
	$(BIN)/ctest --test-dir $(BUILD) --no-tests=error --output-on-failure --progress -j $(JOBS)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

bench: setup configure-all .venv/test.stamp .venv/bench.stamp ## measure the speed ratios
	$(BIN)/cmake --build $(BUILD)
	$(BIN)/python benchmarks/run.py

lint: setup .venv/lint.stamp configure-all ## check formats, clang-tidy, ruff, types and stubs
	$(BIN)/clang-format --dry-run -Werror $(CPP_FILES) $(HEADERS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --ignore-missing-stub bochner._core
	$(MAKE) --no-print-directory -j $(JOBS) tidy

format: .venv/lint.stamp ## write all files in the house format
	$(BIN)/clang-format -i $(CPP_FILES) $(HEADERS)
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

clean: ## remove what the other targets built, except results/
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache

system:
	@tools/system_packages.sh libeigen3-dev libboost-dev libhwy-dev libgtest-dev

.venv/venv.stamp: | system
	@tools/check_host.sh $(PYTHON)
	$(PYTHON) -m venv .venv
	@touch $@

.venv/build.stamp: pyproject.toml tools/requirements.py .venv/venv.stamp
	$(BIN)/python tools/requirements.py build > .venv/build.txt
	$(BIN)/python tools/requirements.py run >> .venv/build.txt
	$(PIP) install -r .venv/build.txt
	@touch $@

.venv/test.stamp .venv/bench.stamp .venv/lint.stamp .venv/data.stamp: .venv/%.stamp: pyproject.toml tools/requirements.py .venv/build.stamp
	$(BIN)/python tools/requirements.py $* > .venv/$*.txt
	$(PIP) install -r .venv/$*.txt
	@touch $@

.venv/data/packages.stamp: tools/data_packages.sh .venv/venv.stamp | system
	tools/data_packages.sh $(@D) r-cran-mlbench dataset-fashion-mnist
	@touch $@

# Without isolation, so that CMake finds the same tools in the same place and compiles only what has changed.
$(BUILD)/installed.stamp: $(SOURCES) .venv/build.stamp | system
	$(PIP) install --no-build-isolation --no-deps --config-settings=build-dir=$(BUILD) \
	  --config-settings=cmake.define.BOCHNER_WERROR=$(WERROR) .
	@touch $@

# The options stay in CMake's cache; later builds of the extension keep them but build only their own target.
configure-all: setup
	@$(BIN)/cmake --log-level=WARNING -DBOCHNER_BUILD_TESTS=ON -DBOCHNER_BUILD_BENCHMARKS=ON -DBOCHNER_WERROR=$(WERROR) \
	  $(BUILD) >/dev/null

tidy: $(TIDY_STAMPS)

$(BUILD)/tidy/%.stamp: % .clang-tidy $(HEADERS)
	@mkdir -p $(@D)
	$(BIN)/clang-tidy --quiet -p $(BUILD) $<
	@touch $@
