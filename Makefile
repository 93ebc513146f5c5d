# The only entrance. Needs Python 3.11 to 3.14 (named by PYTHON) and make; everything else comes as packages into .venv.

PYTHON ?= python3
.DEFAULT_GOAL := help
.PHONY: help demo up down reset test test-unit test-integration test-wire test-system lint format contracts lock venv
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

demo: $(READY) ## one cohort's whole year, from an HR file to its report
	@$(VENV)/bin/updraft demo $(ARGS)

up: $(READY) ## start the system and keep it running
	@$(VENV)/bin/updraft up $(ARGS)

down: $(READY) ## stop it; the data stays
	@$(VENV)/bin/updraft down

reset: $(READY) ## stop it and throw the data away
	@$(VENV)/bin/updraft reset --yes

test: $(READY) ## all tests
	@$(PYTEST) $(PARALLEL) $(ARGS)

test-unit: $(READY) ## what needs no server
	@$(PYTEST) $(PARALLEL) -m "not (integration or component or wire or system)" $(ARGS)

test-integration: $(READY) ## what needs PostgreSQL, and one service in process
	@$(PYTEST) $(PARALLEL) -m "integration or component" $(ARGS)

test-wire: $(READY) ## PostgreSQL and Kafka over the wire, with crashes
	@$(PYTEST) $(PARALLEL) -m wire $(ARGS)

test-system: $(READY) ## the whole stack
	@$(PYTEST) $(PARALLEL) -m system $(ARGS)

lint: $(READY) ## ruff, mypy, import-linter
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy --no-error-summary libs services deploy conftest.py
	@$(VENV)/bin/lint-imports

format: $(READY) ## put code into the common form
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format --quiet .

contracts: $(READY) ## generate schemas, examples and pages from the event models
	@$(VENV)/bin/python -m contracts.generate
	@$(VENV)/bin/python tests/architecture/ledger.py

lock: $(READY) ## requirements.lock from requirements.in
	@$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --quiet requirements.in --output-file requirements.lock

venv: $(READY) ## the Python environment

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
