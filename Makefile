# Digital Eyes: everything through make. First use of run, test or check sets up what is missing.
.DEFAULT_GOAL := help
.PHONY: help setup setup-venv run test check lint simulate lock clean clean-all

# Any Python 3.11 or later with venv; it only makes .venv. A distribution's own comes first where it is one: those are
# built with profile-guided optimisation, and one built by hand without takes a fifth to a quarter more CPU time.
PYTHON ?= $(shell /usr/bin/python3 -c "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
  && echo /usr/bin/python3 || echo python3)
UV ?= uv
ARGS ?=
# Random histories that each simulation plays through: in `make simulate`, and in `make test`.
SEEDS ?= 1000
TEST_SEEDS ?= 25
# Test files run beside each other, each job with servers of its own; in the order of their names, which begins with
# those that take longest (pytest-xdist would begin with those of most tests).
JOBS ?= 2
# Tests begin hundreds of processes; each would compile all of our sources for itself.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## fetch and make everything that is missing (says first how much)
	@$(PYTHON) -m ops.setup

setup-venv:
	@$(PYTHON) -m ops.setup --only venv

run: setup ## start the city, e.g. make run ARGS="--for 60s"
	@.venv/bin/eyes run $(ARGS)

test: setup lint ## all tests, against real servers, e.g. make test ARGS="-k stack"
	@EYES_SEEDS=$(TEST_SEEDS) EYES_EXAMPLES=10 .venv/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-venv lint ## style, types, layers and unit tests; needs no servers
	@EYES_EXAMPLES=10 .venv/bin/python -m pytest -n $(JOBS) --dist worksteal tests/unit $(ARGS)

lint: setup-venv
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

simulate: setup-venv ## random histories around ingest, engine, sequencer and archive, e.g. make simulate SEEDS=10000
	@EYES_SEEDS=$(SEEDS) .venv/bin/python -m pytest -o timeout=0 tests/unit/*/test_*_simulation.py $(ARGS)

lock: ## resolve requirements.lock anew from pyproject.toml (needs uv)
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate pyproject.toml --extra sim --extra data --group dev -o requirements.lock

clean: ## delete what tools left in the checkout; keeps .venv and data
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

clean-all: clean ## also delete .venv, the local stack's data (var) and the cache of servers
	@if [ -x .venv/bin/eyes ]; then .venv/bin/eyes stack down || exit 1; fi
	@rm -rf .venv var
	@$(PYTHON) -m ops.setup --forget
