# Everything is installed into .venv from requirements.lock, hash by hash; `hub` does the rest.
# make run ARGS="--ephemeral --port 9000"     make replay ARGS="DIR --kill"     make test ARGS="tests/embedded -k kill"

SHELL  := /bin/bash
PYTHON ?= python3
VENV   := .venv
STAMP  := $(VENV)/installed
UV     := $(VENV)/bin/uv
CODE   := hub spokes vendor_sdk migrations tests
ARGS   ?=

.PHONY: run demo replay test test-live simulate faults bench lint lock
.DEFAULT_GOAL := run

run: $(STAMP)
	@WHEELWRIGHT_END_WITH_PARENT=1 $(VENV)/bin/hub run $(ARGS)

demo: $(STAMP)
	@$(VENV)/bin/hub demo $(ARGS)

replay: $(STAMP)
	@$(VENV)/bin/hub replay $(ARGS)

# Files side by side, one process for each core; make test ARGS="-n 0 FILE" for one process.
test: $(STAMP)
	@$(VENV)/bin/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(ARGS)

# The real Medusa server, from npm: needs Node.js 20 or newer with npm, and some minutes the first time.
test-live: $(STAMP)
	@$(VENV)/bin/pytest tests/spokes/medusa -m live --durations=10 $(ARGS)

simulate: $(STAMP)
	@$(VENV)/bin/hub simulate --for 120 $(ARGS)

faults: $(STAMP)
	@$(VENV)/bin/pytest tests/faults -m "faults or not faults" --durations=10 $(ARGS)

bench: $(STAMP)
	@$(VENV)/bin/python -m tests.bench $(ARGS)

lint: $(STAMP)
	@$(VENV)/bin/ruff format --check $(CODE)
	@$(VENV)/bin/ruff check $(CODE)
	@$(VENV)/bin/basedpyright --level error
	@$(VENV)/bin/lint-imports --no-logo --no-cache
	@$(VENV)/bin/codespell $(CODE) config README.md

# What both distributions and the developers need, and what installs it; our own SDK comes from this tree.
define WANTED
import tomllib
root, sdk = (tomllib.load(open(name, "rb")) for name in ("pyproject.toml", "vendor_sdk/pyproject.toml"))
wanted = {*root["project"]["dependencies"], *sdk["project"]["dependencies"], *root["dependency-groups"]["dev"], "uv", *root["build-system"]["requires"]}
print(*sorted(name for name in wanted if not name.startswith("wheelwright")), sep="\n")
endef
export WANTED

# Names, versions and hashes only: no address of an index, no path. make lock ARGS=--upgrade takes newer versions.
lock:
	@$(VENV)/bin/python -c "$$WANTED" | $(UV) pip compile - --quiet --universal --generate-hashes --python-version 3.11 \
	  --no-header --no-annotate --no-config --output-file requirements.lock $(ARGS)

# The interpreter is checked first: what the wheels say about an older one helps nobody.
$(STAMP): requirements.lock pyproject.toml vendor_sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), once"
	@awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock > $(VENV)/uv.txt
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt
	@$(UV) pip install --quiet --no-config --python $(VENV)/bin/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --no-config --python $(VENV)/bin/python --no-deps --no-build-isolation -e vendor_sdk -e .
	@touch $@
