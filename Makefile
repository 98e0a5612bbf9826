# `make` lists the verbs. Everything is installed into .venv; nothing outside this folder is touched.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# The version that the tests run on; `make install TORCH=torch` takes the newest.
TORCH ?= torch==2.13.0
# Where `make demo` leaves its table and picture.
OUT ?= demo

BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
# What `make demo MOVIE=...` is given reaches the shell as a variable, not as shell text.
export MOVIE OUT
# As many tests at a time as there are cores, each on one thread; four at most, for the sake of memory.
PYTEST := $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

PICTURES := quickstart/timeline attention/frames attention/offsets modalities/modalities

.DEFAULT_GOAL := help
.PHONY: help install demo lab test test-all lint types notebooks pictures bench tiny

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | column -t -s '|'

install: $(INSTALLED) ## .venv with everything in it (2.8 GB, two to four minutes)

# The stamp is written last, so an interrupted install is simply done again.
$(INSTALLED): pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@echo "Installing into .venv: a few minutes, once."
	@$(PIP) "$(TORCH)"
	@$(PIP) -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## segment a rendered movie, or your own: make demo MOVIE=film.mp4
	@$(BIN)/sceneviz $(if $(MOVIE),segment "$$MOVIE",demo) --out "$$OUT"

lab: $(INSTALLED) ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

test: $(INSTALLED) lint ## the fast tests
	@$(PYTEST) -m "not slow and not benchmark"

test-all: $(INSTALLED) lint types ## every test: also the slow ones, and each notebook from scratch
	@$(PYTEST) -m "not benchmark"

lint: $(INSTALLED) ## ruff, on code and notebooks
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .

types: $(INSTALLED) ## mypy --strict on the package
	@$(BIN)/mypy

notebooks: $(INSTALLED) ## execute every notebook in place, from scratch
	@rm -rf notebooks/runs # or a training would go on from an earlier one, of another model perhaps
	@$(BIN)/jupyter nbconvert --log-level=ERROR --to notebook --execute --inplace --coalesce-streams \
	    --ExecutePreprocessor.record_timing=False --ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb

pictures: $(INSTALLED) ## the pictures of the README: from what the notebooks saved, and the explorer in chromium
	@test -d notebooks/runs || { echo "make pictures draws what the notebooks saved: run make notebooks first" >&2; exit 2; }
	@$(BIN)/sceneviz figures notebooks/runs --out runs/pictures --format png --dpi 150
	@mkdir -p notebooks/figures
	@cp $(PICTURES:%=runs/pictures/%.png) notebooks/figures/
	@$(BIN)/python tests/browser/picture.py notebooks/figures/explorer.png

bench: $(INSTALLED) ## timings, printed, and the score on a real film
	@$(BIN)/python -m pytest -q -s -m benchmark tests/benchmarks

tiny: $(INSTALLED) ## train the embedded model again (reckoned: an hour on a GPU, a day and a half on two cores)
	@$(BIN)/python -m sceneviz.tiny
