# Two commands matter: `make demo` and `make test`. Each builds .venv from nothing, with wheels only, and is quick the
# second time. Choose another interpreter with `make demo PYTHON=python3.12`.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --only-binary :all:
STAMP := $(VENV)/.installed-

# The torch that `make test-all` runs the tests with; TORCH= leaves it out
TORCH ?= torch==2.13.0

# make soak SECONDS=600 SEED=7: hostile solves with random inputs for so long; without SEED a fresh one, which is printed
SECONDS ?= 600
SEED ?=

.PHONY: demo test test-all lint bench docs soak cover check

demo: $(STAMP)demo
	$(RUN) -m resolvent demo --out demo

test: $(STAMP)test
	$(RUN) -m pytest -rfEs -n 2 --dist worksteal -m "not full"

test-all: $(STAMP)all
	$(RUN) -m pytest -rfEs -n 2 --dist worksteal

soak: $(STAMP)all
	$(RUN) tests/hostile/soak.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

cover: $(STAMP)all
	$(RUN) tests/cover.py

lint: $(STAMP)test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

bench: $(STAMP)demo
	$(RUN) -m resolvent bench --goals linear

docs: $(STAMP)docs
	$(RUN) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# What stands in .venv: one stamp for each set of extras, made anew when pyproject.toml changes.

$(STAMP)demo: pyproject.toml $(STAMP)venv
	$(PIP) -e '.[cli]'
	@$(call optional,demo)
	@touch $@

$(STAMP)test: pyproject.toml $(STAMP)venv
	$(PIP) -e '.[cli,dev]'
	@touch $@

$(STAMP)all: pyproject.toml $(STAMP)venv
	$(PIP) -e '.[cli,dev]'
	@$(call optional,amg sklearn bench)
	@$(if $(TORCH),$(PIP) "$(TORCH)" || echo "left out: no wheel of $(TORCH) was found for this Python; what needs it is skipped")
	@touch $@

$(STAMP)docs: pyproject.toml $(STAMP)venv
	$(PIP) -e '.[cli,docs]'
	@touch $@

$(STAMP)venv: | check
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Extras that may be missing: the packages of an extra at once, and where that fails one by one, so that one without a
# wheel for this Python is left out and named.
define optional
list() { $(RUN) -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['$$1'])"; }; \
for extra in $(1); do \
  $(PIP) $$(list $$extra) 2>/dev/null && continue; \
  for package in $$(list $$extra); do \
    $(PIP) "$$package" 2>/dev/null || echo "left out: no wheel of $$package was found for this Python; what needs it is skipped"; \
  done; \
done
endef

check:
	@command -v $(PYTHON) >/dev/null || { echo "missing: $(PYTHON); install Python 3.11 or newer, or say make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "missing: Python 3.11 or newer ($(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())')); say make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "missing: the module ensurepip of $(PYTHON) (Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }
