# make verify and make test do everything on a machine with Python >= 3.11, pip and make. Both are safe to repeat.
PYTHON ?= python3
# What is installed besides linrate itself: the optional parts named in pyproject.toml.
EXTRAS ?= dev,grid,parquet,plot
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs
COMPILED := $(VENV)/.compiled
REPORT := reports/output/gaps.csv

# Where the environment forbids Python to keep its bytecode, each process would compile all sources, and pytest rewrite the
# assertions of a hundred files, again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup verify test docs proofs fuzz lint bench clean
.DEFAULT_GOAL := help

help:
	@echo "make verify   verify the theorems on the built-in problems, write $(REPORT)"
	@echo "make test     test this code"
	@echo "make docs     build the site in docs/_build/html, its pages executed (about three minutes the first time)"
	@echo "make proofs   check the proofs with Coq, which is not needed for anything else"
	@echo "make fuzz     many random calls, command lines and damaged files, and 50 kills (hours)"
	@echo "make lint     ruff and mypy"
	@echo "make bench    measure speed against autograd (minutes)"
	@echo "make setup    create $(VENV) and install; verify and test do this by themselves"
	@echo "make clean    remove $(VENV) and caches; reports are kept"

$(STAMP): pyproject.toml constraints.txt
	@echo "==> creating $(VENV) with $$($(PYTHON) --version) and installing linrate (a few minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "linrate needs Python >= 3.11; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

# Two processes compile half of the simulator's loops each; tests that start together would each compile all of them.
$(COMPILED): $(STAMP) $(wildcard simulate/*/*.py simulate/*/*/*.py)
	@echo "==> compiling the simulator's loops (a minute, when they are new)"
	$(BIN)/python -m simulate.compile
	@touch $@

setup: $(STAMP)
	@echo "==> ready: $(BIN)/linrate"

verify: $(COMPILED)
	@echo "==> verifying the theorems; the report goes to $(REPORT)"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest verify/ -n auto --report $(REPORT) $(ARGS)

test: $(COMPILED)
	@echo "==> testing the code"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/ -q -n auto --dist worksteal $(ARGS)

$(DOCS_STAMP): $(STAMP)
	@echo "==> installing what the site is built with"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	@touch $@

docs: $(DOCS_STAMP) $(COMPILED)
	@echo "==> building the site; pages that changed, or all if the code did, are run"
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q -j auto docs docs/_build/html $(ARGS)
	@$(BIN)/python docs/site/check.py docs/_build/html
	@echo "==> docs/_build/html/index.html"

proofs:
	@$(PYTHON) proofs/check.py $(ARGS)

fuzz: $(STAMP)
	@echo "==> LINRATE_FUZZ is the number of examples of each random test; kills at 50 random moments"
	OMP_NUM_THREADS=1 LINRATE_FUZZ=$${LINRATE_FUZZ:-20000} $(BIN)/python -m pytest $(wildcard tests/test_fuzz*.py) tests/test_kill.py -q $(ARGS)

lint: $(STAMP)
	@echo "==> ruff, mypy"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	@echo "==> benchmarks; the table goes to benchmarks/output/"
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	find bounds simulate verify reports linrate tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
