# `make run` and `make test` set everything up by themselves; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two tests at a time, those of one file one after the other; what was skipped is told, and why.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile -rs

.DEFAULT_GOAL := help
.PHONY: help run refine test test-fast browser lint format types check bench chaos soak screenshots doctor lock openapi clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run-ready ## Set up what is missing and start the server
	@$(BIN)/charafy models pull --quiet-if-present
	@exec $(BIN)/charafy serve

refine: $(VENV)/.run-ready ## Install what lets cloned voices be refined (JAX and Whisper; see docs)
	@./scripts/install $(PYTHON) $(VENV) requirements-refine.lock

test: $(VENV)/.dev-ready ## Set up what is missing and run every check and every test, those of a database on both
	@$(MAKE) --no-print-directory check
	@$(BIN)/charafy models pull --for-tests --quiet-if-present
	@$(MAKE) --no-print-directory browser
	@./scripts/postgresql
	@./scripts/redis
	@./scripts/turn
	@./scripts/s3
	@./scripts/livekit
	$(PYTEST)
	CHARAFY_TEST_DATABASE=postgresql $(PYTEST)

test-fast: $(VENV)/.dev-ready ## Tests that take less than five seconds each
	$(BIN)/python -m pytest -m "not slow"

browser: ## Install Chromium for the browser tests if there is none
	@./scripts/browser

check: lint types ## Style, types, import rules, size report

lint: $(VENV)/.dev-ready ## Style and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.support.sizes

types: $(VENV)/.dev-ready ## Strict types
	$(BIN)/mypy

format: $(VENV)/.dev-ready ## Bring the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.dev-ready ## Measure, print a table, write var/bench.json
	@$(BIN)/charafy models pull --for-tests --quiet-if-present
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m bench

MINUTES ?= 30
soak: $(VENV)/.dev-ready ## Steady traffic for MINUTES (30): is what a server holds flat?
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.soak --minutes $(MINUTES)

chaos: $(VENV)/.dev-ready ## Random operations while processes and servers fail; CHAOS="--minutes 10 --fleet --also s3"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.chaos $(CHAOS)

screenshots: $(VENV)/.dev-ready browser ## Every page at three widths, in both languages and themes, into var/screenshots
	$(BIN)/python -m tests.support.screenshots var/screenshots

doctor: $(VENV)/.run-ready ## What works here, what is missing, what to do
	@$(BIN)/charafy doctor

openapi: $(VENV)/.run-ready ## Write what of docs/ the code knows: openapi.json, guides, settings
	@$(BIN)/python -m charafy.write_docs docs

lock: $(VENV)/.dev-ready ## Resolve the dependencies anew and pin them with hashes
	$(BIN)/uv lock -q --upgrade
	$(BIN)/uv export -q --frozen --no-header --no-annotate --no-emit-project --no-dev --group build -o requirements.lock
	$(BIN)/uv export -q --frozen --no-header --no-annotate --no-emit-project --no-dev --group build --extra refine -o requirements-refine.lock
	$(BIN)/uv export -q --frozen --no-header --no-annotate --no-emit-project --all-groups --all-extras -o requirements-dev.lock

clean: ## Remove the environment and the caches (data and models stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Each environment is made from its lock alone: every file checked against a hash.
$(VENV)/.run-ready: requirements.lock pyproject.toml
	@test -f $(VENV)/.dev-ready -a $(VENV)/.dev-ready -nt requirements-dev.lock || ./scripts/install $(PYTHON) $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev-ready: requirements-dev.lock pyproject.toml
	@./scripts/install $(PYTHON) $(VENV) requirements-dev.lock
	@touch $@
