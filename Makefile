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
OPENSIM := 4.6
MEDIAPIPE := 0.10.21
SPINEPOSE := 2.1.0

VENV_OLD := .venv-4.2
VENV_NEW := .venv-5.2
VENV_TRAIN := .venv-train
VENV_BENCH := .venv-bench
PLATFORM := linux-x64
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' blender_manifest.toml)
ZIP = out/extension/track_spine-$(VERSION)-$(PLATFORM).zip
# The first Python 3.13 that runs: a pyenv shim on the path may be there and not run.
PYTHON313 ?= $(shell for python in python3.13 "$(HOME)"/.pyenv/versions/3.13*/bin/python3.13; do \
  "$$python" -c 'import ensurepip' 2>/dev/null && echo "$$python" && break; done)

.PHONY: help setup models demo test test-faults lint types test-matrix test-training evaluate-model calibration evaluate-motion extension bench clean

help:
	@echo "make demo         track a sample clip: out/demo.fbx, out/demo.blend, out/overlay.mp4, out/preview.png"
	@echo "make test         lint, types and the whole test suite on Blender $(BPY) as a module"
	@echo "make test-matrix  the suite on Blender $(BPY_OLD) and $(BPY_NEW), and the zip installed in all three"
	@echo "make extension    build and validate the extension's zip: out/extension/"
	@echo "make test-training  the tests of the generator and the training of models (PyTorch)"
	@echo "make test-faults  kill the worker 100 times (minutes)"
	@echo "make evaluate-model  judge the model that ships: out/model.json, docs/model.md (minutes)"
	@echo "make calibration  hold scores against errors: out/model.json, docs/pictures/confidence.png"
	@echo "make evaluate-motion  judge lifting, cameras and solver: out/motion.json (minutes)"
	@echo "make bench        speed and memory, against others where there are any: out/bench.json"
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

models: $(VENV)/.done
	@$(BIN)/python tools/fetch_models.py

$(SAMPLE): $(VENV)/.done
	@$(BIN)/python tools/fetch_sample.py $@

demo: setup $(SAMPLE)
	@$(BIN)/python tools/demo.py $(SAMPLE) out

test: setup $(SAMPLE) lint types
	@echo "Running the test suite on Blender $(BPY)"
	$(BIN)/pytest
	@echo "Passed: lint, types and the test suite on Blender $(BPY)"

test-faults: setup $(SAMPLE)
	$(BIN)/pytest -m slow

lint: $(VENV)/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.done
	@mkdir -p $(TYPING) && ln -sfn $(CURDIR) $(TYPING)/track_spine
	MYPYPATH=$(TYPING) $(BIN)/mypy -p track_spine.inference -p track_spine.rigging \
	  -p track_spine.reporting -p track_spine.addon -p track_spine.tools -m track_spine.cli

extension: setup
	@$(BIN)/python tools/build_extension.py

$(VENV_OLD)/.done: pyproject.toml setup.py Makefile
	@echo "Making the environment $(VENV_OLD) with Blender $(BPY_OLD)"
	@$(PYTHON) -m venv $(VENV_OLD)
	@$(VENV_OLD)/bin/python -m pip install -q --disable-pip-version-check -e ".[dev]" "bpy==$(BPY_OLD)" "numpy<2"
	@touch $@

$(VENV_NEW)/.done: pyproject.toml setup.py Makefile
	@echo "Making the environment $(VENV_NEW) with Blender $(BPY_NEW)"
	@test -n "$(PYTHON313)" || { echo "Blender $(BPY_NEW) needs Python 3.13, and neither the path nor" \
	  "~/.pyenv has one: make test-matrix PYTHON313=/path/to/python3.13"; exit 1; }
	@$(PYTHON313) -m venv $(VENV_NEW)
	@$(VENV_NEW)/bin/python -m pip install -q --disable-pip-version-check -e ".[dev]" "bpy==$(BPY_NEW)"
	@touch $@

REAL_RIGS := tests/rigging/test_real_rigs.py

test-matrix: setup $(SAMPLE) extension $(VENV_OLD)/.done $(VENV_NEW)/.done
	@# Blender 4.2 as a module crashes in its importers once a process has opened many files.
	TRACK_SPINE_ZIP=$(ZIP) $(VENV_OLD)/bin/pytest --ignore $(REAL_RIGS)
	$(VENV_OLD)/bin/pytest $(REAL_RIGS)
	TRACK_SPINE_ZIP=$(ZIP) $(BIN)/pytest tests/test_extension.py
	TRACK_SPINE_ZIP=$(ZIP) $(VENV_NEW)/bin/pytest

$(VENV_TRAIN)/.done: pyproject.toml setup.py Makefile
	@echo "Making the environment $(VENV_TRAIN) with PyTorch and Blender $(BPY)"
	@$(PYTHON) -m venv $(VENV_TRAIN)
	@$(VENV_TRAIN)/bin/python -m pip install -q --disable-pip-version-check -e ".[training]" "bpy==$(BPY)" "numpy<2"
# OpenSim's wheel asks for numpy 2.1, Blender for numpy 1, with which OpenSim runs as well.
	@$(VENV_TRAIN)/bin/python -m pip install -q --disable-pip-version-check --no-deps "opensim==$(OPENSIM)"
	@touch $@

test-training: models $(VENV_TRAIN)/.done
	@mkdir -p $(TYPING) && ln -sfn $(CURDIR) $(TYPING)/track_spine
	MYPYPATH=$(TYPING) $(VENV_TRAIN)/bin/mypy -p track_spine.training
	$(VENV_TRAIN)/bin/pytest tests/training

# The pictures kept aside are rendered once, a few minutes, from motion capture in the shared data.
.PHONY: held-out
held-out: models $(VENV_TRAIN)/.done
	@test ! -d ../shared/data || $(VENV_TRAIN)/bin/track-spine-train render --aside --count 768 \
	  --seed 101 --out .cache/training/held_out

evaluate-model: held-out
	$(VENV_TRAIN)/bin/python -m track_spine.training.judge
	$(VENV_TRAIN)/bin/python -m track_spine.training.judge_calibration

calibration: held-out
	$(VENV_TRAIN)/bin/python -m track_spine.training.judge_calibration

# The clips kept aside are rendered once, ten minutes, from motion capture in the shared data.
evaluate-motion: demo $(VENV_TRAIN)/.done
	@test ! -d ../shared/data || $(VENV_TRAIN)/bin/python -m track_spine.training.lift_held_out
	$(VENV_TRAIN)/bin/python -m track_spine.training.evaluate_motion
	$(VENV_TRAIN)/bin/python -m track_spine.training.judge_focal
	$(VENV_TRAIN)/bin/python -m track_spine.training.motion_cameras
	$(BIN)/python benchmarks/solver.py out/take/lifted.npz .cache/training/four_camera_takes/cam0?/lifted.npz

# The library asks for PyTorch, which it never imports, and for OpenCV, of which MediaPipe brings one.
$(VENV_BENCH)/.done: pyproject.toml setup.py Makefile
	@echo "Making the environment $(VENV_BENCH) with what others would use"
	@$(PYTHON) -m venv $(VENV_BENCH)
	@$(VENV_BENCH)/bin/python -m pip install -q --disable-pip-version-check "mediapipe==$(MEDIAPIPE)" \
	  "onnx==1.17.0" anytree OneEuroFilter tqdm av==18.1.0 onnxruntime==1.26.0 \
	  scipy==1.15.3 "rich>=13.9" usd-core==26.11
	@$(VENV_BENCH)/bin/python -m pip install -q --disable-pip-version-check --no-deps \
	  "spinepose==$(SPINEPOSE)" -e .
	@touch $@

# Figures go to out/bench.json; a target that is missed does not keep the others from being measured.
bench: setup $(SAMPLE) $(VENV_BENCH)/.done
	-$(BIN)/python benchmarks/keyframes.py
	-$(BIN)/python benchmarks/retarget.py
	-$(BIN)/python benchmarks/rigs.py
	-for env in $(VENV_OLD) $(VENV) $(VENV_NEW); do \
	  test ! -x $$env/bin/python || $$env/bin/python benchmarks/exports.py; done
	-$(VENV_BENCH)/bin/python benchmarks/mediapipe_pose.py
	-$(VENV_BENCH)/bin/python benchmarks/spinepose_library.py
	-$(VENV_BENCH)/bin/python benchmarks/engine.py

clean:
	rm -rf build out .mypy_cache .pytest_cache .ruff_cache
