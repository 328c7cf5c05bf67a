# Everything a newcomer needs: `make demo` and `make test`. Python 3.11 and make must be there.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := .cache/sample/demo.mp4
# Outside a folder named like the package, tools that read source files need it under that name.
TYPING := build/typing

BPY := 4.5.15
BPY_OLD := 4.2.23
BPY_NEW := 5.2.3

.PHONY: help setup demo test lint types check-matrix test-matrix extension bench clean

help:
	@echo "make demo         track a sample clip: out/demo.fbx, out/demo.blend, out/overlay.mp4, out/preview.png"
	@echo "make test         lint, types and the whole test suite on Blender $(BPY) as a module"
	@echo "make test-matrix  the suite on Blender $(BPY_OLD) and $(BPY_NEW), and the zip installed in all three"
	@echo "make extension    build and validate the extension's zip: out/extension/"
	@echo "make bench        benchmarks"
	@echo "make setup        only the environment, $(BIN)/track-spine and the models"

setup: $(VENV)/.done models
	@echo "Ready: $(BIN)/track-spine"

$(VENV)/.done: pyproject.toml setup.py Makefile
	@echo "Making the environment $(VENV) (a few minutes the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	  || { echo "Python 3.11 is needed: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[dev]" "bpy==$(BPY)" "numpy<2"
	@touch $@

.PHONY: models
models: $(VENV)/.done
	@$(BIN)/python tools/fetch_models.py

$(SAMPLE): $(VENV)/.done
	@$(BIN)/python tools/fetch_sample.py $@

demo: setup $(SAMPLE)
	@$(BIN)/python tools/demo.py $(SAMPLE) out

test: setup $(SAMPLE) lint types
	$(BIN)/pytest

lint: $(VENV)/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.done
	@mkdir -p $(TYPING) && ln -sfn $(CURDIR) $(TYPING)/track_spine
	MYPYPATH=$(TYPING) $(BIN)/mypy -p track_spine.inference -p track_spine.rigging \
	  -p track_spine.addon -p track_spine.tools -m track_spine.cli

extension: setup
	@$(BIN)/python tools/build_extension.py

bench: setup
	$(BIN)/python benchmarks/keyframes.py

clean:
	rm -rf build out .mypy_cache .pytest_cache .ruff_cache
