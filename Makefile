# The only entrance. Needs Python 3.11 to 3.14 (named by PYTHON) and make; everything else comes as packages into .venv.

PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help demo up down reset test test-unit test-integration test-wire test-system test-faults test-containers bench lint format contracts lock venv kernels
# Paths may hold spaces, so targets are relative and commands run where this file is.
SHELL := /bin/sh
VENV := .venv
READY := $(VENV)/.ready
PACKAGES := libs/contracts libs/chassis services/enrollment services/matching services/engagement services/evaluation deploy/local
PYTEST := $(VENV)/bin/python -m pytest
# As many test processes as processors, at most four: each may start services of its own.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ "$$n" -gt 4 ] && n=4; echo $$n)
# A file stays in one process: its database and its servers are its own.
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
ARGS ?=

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

demo: $(READY) kernels ## one cohort's whole year, from an HR file to its report
	@$(VENV)/bin/updraft demo $(ARGS)

up: $(READY) kernels ## start the system and keep it running
	@$(VENV)/bin/updraft up $(ARGS)

down: $(READY) ## stop it; the data stays
	@$(VENV)/bin/updraft down

reset: $(READY) ## stop it and throw the data away
	@$(VENV)/bin/updraft reset --yes

test: $(READY) kernels ## all tests
	@$(PYTEST) $(PARALLEL) -m "not (long or containers)" $(ARGS)

test-unit: $(READY) kernels ## what needs no server
	@$(PYTEST) $(PARALLEL) -m "not (integration or component or wire or system or containers)" $(ARGS)

test-integration: $(READY) kernels ## what needs PostgreSQL, and one service in process
	@$(PYTEST) $(PARALLEL) -m "integration or component" $(ARGS)

test-wire: $(READY) kernels ## PostgreSQL and Kafka over the wire, with crashes
	@$(PYTEST) $(PARALLEL) -m "wire and not long" $(ARGS)

test-system: $(READY) kernels ## the whole stack
	@$(PYTEST) $(PARALLEL) -m "system and not long" $(ARGS)

test-faults: $(READY) kernels ## every fault at its full length, one after the other; then docs/reliability.md
	@$(PYTEST) -s -v tests/wire tests/faults -m "not containers" $(ARGS)
	@PYTHONPATH=tests/wire $(VENV)/bin/python tests/faults/page.py

test-containers: $(READY) ## the wire tests on testcontainers, the system on docker compose; needs a Docker engine
	@UPDRAFT_TEST_ON=containers $(PYTEST) -v tests/wire -m "not long" $(ARGS)
	@$(PYTEST) -s -v tests/containers $(ARGS)

bench: $(READY) kernels ## figures against named peers; table and .updraft/bench.json
	@PYTHONPATH=tests $(VENV)/bin/python -m load $(ARGS)

lint: $(READY) ## ruff, mypy, import-linter, the contracts against what is generated and what was released
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy --no-error-summary libs services deploy conftest.py
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/python -m contracts.generate --check
	@$(VENV)/bin/python -m contracts.compatibility

format: $(READY) ## put code into the common form
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format --quiet .

contracts: $(READY) ## generate schemas, examples and pages from the event models
	@$(VENV)/bin/python -m contracts.generate
	@$(VENV)/bin/python -m contracts.compatibility
	@$(VENV)/bin/python tests/services/openapi.py
	@$(VENV)/bin/python tests/architecture/ledger.py

COMPILE = $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-annotate --no-header --quiet

lock: $(READY) ## requirements.lock from requirements.in, and the lock of each image and tool
	@$(COMPILE) requirements.in --output-file requirements.lock
	@$(COMPILE) libs/contracts/datacontract.in --output-file libs/contracts/datacontract.lock
	@$(VENV)/bin/python deploy/local/locks.py

venv: $(READY) ## the Python environment

kernels: $(READY) # the loops of matching as machine code: a minute once, then kept
	@$(VENV)/bin/python -m matching.domain.precompile

$(READY): requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || { \
		echo "Updraft needs Python 3.11 to 3.14, but '$(PYTHON)' is: $$("$(PYTHON)" --version 2>&1 || true)" >&2; \
		echo "Name another one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Making $(VENV) from requirements.lock ..."
	@rm -rf "$(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements.lock
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation \
		$(addprefix --editable ./,$(PACKAGES))
	@touch "$(READY)"
