# The verbs of this repository. `make up` and `make test` need Python 3.11+, git and make; the
# rest is fetched, by hash, into .venv.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Many a test waits for a program or a browser: one worker more than there are cores keeps all of them busy.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

.DEFAULT_GOAL := help
.PHONY: help up test lint types generate verify bench soak clean lock agents dev

help:  ## Show the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: .venv/.server  ## Start Berth on this machine and run examples/hello.yaml (ARGS="--help" for more)
	@exec $(BIN)/berth up $(ARGS)

test: dev lint types verify  ## Set up all and run every test, linter and check
	@echo "== tests"
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -q -m "not soak and not bench" $(ARGS)

lint: dev  ## Style and architecture
	@echo "== style"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "== architecture"
	$(BIN)/lint-imports

types: dev  ## Strict types
	@echo "== types"
	$(BIN)/mypy

generate: dev  ## Write what is generated: CRD manifests and the reference pages
	$(BIN)/python -m crds generate
	$(BIN)/python -m cli.reference generate
	$(BIN)/python -m cli.reference_configuration generate

verify: dev  ## Fail if a generated file is stale
	@echo "== generated files"
	$(BIN)/python -m crds check
	$(BIN)/python -m cli.reference check
	$(BIN)/python -m cli.reference_configuration check

bench: dev  ## Measure what Berth costs: print the table, and write docs/benchmarks.md
	$(BIN)/python -m pytest -q -s -m bench tests/bench $(ARGS)

soak: dev  ## The long searches
	$(BIN)/python -m pytest -q -m soak --timeout 3600 $(ARGS)

clean:  ## Remove what was built here
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: dev  ## Resolve the locks anew, with hashes and no index
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --extra server --extra build -o deploy/locks/server.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --extra container -c deploy/locks/server.lock \
		-o deploy/locks/container.lock pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --extra server --extra build --extra container --extra dev \
		-c deploy/locks/server.lock -o deploy/locks/dev.lock pyproject.toml

agents: dev  ## Resolve Node and the agents of the session's image anew, with hashes and no registry (needs npm)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make agents" -o deploy/agents/node.lock deploy/agents/node.in
	npm install --prefix deploy/agents --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

dev: .venv/.dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Berth needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "== making .venv"
	@$(PYTHON) -m venv .venv || { echo "the venv module is missing: on Debian, apt install python3-venv" >&2; exit 1; }

# The local Dokploy runs sessions as programs of this machine: so what they need is needed here, too.
.venv/.server: deploy/locks/server.lock deploy/locks/container.lock pyproject.toml | .venv/bin/python
	@echo "== installing what Berth runs on (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/server.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/container.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.venv/.dev: deploy/locks/dev.lock .venv/.server
	@echo "== installing what it is developed with (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/dev.lock
	@touch $@
