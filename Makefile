# `make run` and `make test` set everything up by themselves; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run refine test test-fast browser lint format types check bench screenshots doctor lock openapi clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run-ready ## Set up what is missing and start the server
	@$(BIN)/charafy models pull --quiet-if-present
	@exec $(BIN)/charafy serve

refine: $(VENV)/.run-ready ## Install what lets cloned voices be refined (JAX and Whisper; see docs)
	@./scripts/install $(PYTHON) $(VENV) requirements-refine.lock

test: $(VENV)/.dev-ready ## Set up what is missing and run every check and every test
	@$(MAKE) --no-print-directory check
	@$(BIN)/charafy models pull --for-tests --quiet-if-present
	@$(MAKE) --no-print-directory browser
	$(BIN)/python -m pytest

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
