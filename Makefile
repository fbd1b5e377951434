# Two commands: `make run` and `make test`. `make help` lists the others.

PYTHON ?= python3
CORES ?= 4
PORT ?= 5000
BIN := .venv/bin
# Tests of a file stay together: they share what takes long to set up. The files that take longest come first.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Number of cards for `make run`: then CUDA is installed, too.
GPU ?=
INSTALLED := .venv/installed$(if $(GPU),-gpu)
CARDS := $(if $(GPU),--resources gpu=$(GPU) --config gpu=true)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo check-config test test-slow peers bench docs schema ui report gallery lint format lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

run: $(INSTALLED)  ## install what is needed and build every experiment of config.yaml; GPU=1: on one card, GPU=2: on two
	$(BIN)/snakemake --cores $(CORES) $(CARDS)

demo: .venv/installed  ## one experiment, five methods, figures in pellucid_demo/
	$(BIN)/python -m pellucid.cli.main demo --cores $(CORES)

check-config: .venv/installed  ## check FILE, a configuration that somebody else wrote, and run nothing
	$(BIN)/python -m pellucid.config.check $(FILE)

test: .venv/developed  ## check the code; needs no network but the package registry's
	$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-slow: .venv/developed  ## check what needs a server, a browser, large networks or other libraries (make peers)
	$(BIN)/python -m pytest -m slow $(PARALLEL)

peers: .venv/developed  ## install the libraries and servers that the slow tests and the benchmark compare with
	$(PIP) install --quiet --no-deps --requirement envs/peers.txt
	$(PIP) install --quiet --requirement envs/storage.txt

bench: .venv/developed  ## measure speed and memory side by side, and print the ratios
	$(BIN)/python -m tests.bench

docs: .venv/developed  ## build the documentation into docs/_build/html; needs no network
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "Open docs/_build/html/index.html in a browser."

schema: .venv/installed  ## write workflow/schemas/config.schema.json, which editors complete config.yaml by
	$(BIN)/python -m pellucid.config.editor_schema

ui: .venv/installed  ## open the record of all runs: MLflow's pages on this machine
	$(BIN)/python -m pellucid.tracking.ui --port $(PORT)

report: run  ## write results/report.html, one file with every figure
	$(BIN)/snakemake --report results/report.html
	@echo "Open results/report.html in a browser."

gallery: run  ## copy the figures that README and docs show out of results/
	$(BIN)/snakemake --cores $(CORES) --config run=[bearing] -- results/bearing/explain/occlusion/occlusion.domain=frequency.png
	mkdir -p workflow/report/gallery
	cp results/synthetic_ecg/explain/occlusion/occlusion.png workflow/report/gallery/synthetic_ecg-occlusion.png
	cp results/basic_motions/explain/occlusion/occlusion.png workflow/report/gallery/basic_motions-occlusion.png
	cp results/digits/explain/saliency/saliency.png workflow/report/gallery/digits-saliency.png
	cp results/synthetic_ecg/views/activations/activations.layer=last.png workflow/report/gallery/synthetic_ecg-activations.png
	cp results/basic_motions/views/activation_maximisation/activation_maximisation.of=classes.png workflow/report/gallery/basic_motions-maximisation.png
	cp results/digits/views/embedding/embedding.png workflow/report/gallery/digits-embedding.png
	cp results/digits/explain/overview.png workflow/report/gallery/digits-overview.png
	cp results/synthetic_ecg/score/leaderboard.png workflow/report/gallery/synthetic_ecg-leaderboard.png
	cp results/comparison/leaderboard.png workflow/report/gallery/comparison-leaderboard.png
	cp results/bearing/explain/occlusion/occlusion.domain=frequency.png workflow/report/gallery/bearing-occlusion.png

lint: .venv/developed  ## style, types, and the workflow's own lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: .venv/developed  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

lock: .venv/developed  ## renew envs/lock.txt, envs/lock-dev.txt and envs/pellucid.yaml
	$(BIN)/python envs/lock.py

clean:  ## remove results and caches; the virtual environment stays
	rm -rf docs/_build pellucid_demo build dist .snakemake .pytest_cache .mypy_cache .ruff_cache
	find results -mindepth 1 ! -name README.md -delete

.venv/installed: envs/lock.txt pyproject.toml
	@case "$(CURDIR)" in *" "*) echo "The path of this folder has a space, and Snakemake cannot start jobs from an environment there: move it."; exit 1;; esac
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make run PYTHON=python3.12"; exit 1; }
	@echo "Installing the packages of envs/lock.txt into .venv: 3 GB on the disk, some minutes, once."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --quiet --require-hashes --requirement envs/lock.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The versions are those of lock.txt; CUDA comes on top.
.venv/installed-gpu: .venv/installed envs/lock-gpu.txt
	$(PIP) install --quiet --require-hashes --requirement envs/lock-gpu.txt
	@touch $@

.venv/developed: .venv/installed envs/lock-dev.txt
	$(PIP) install --quiet --require-hashes --requirement envs/lock-dev.txt
	@touch $@
