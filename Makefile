# `make` alone lists the targets. CI calls `make lint test`.
EDGE := .venv-edge
VENV := .venv
OUT := out

# A short training: enough to see the whole way from data to maps, not to reach the figures of docs/.
DEMO_TRAIN ?= --data sim:vnir,scenes=600,val=100,test=150 --epochs 6 --overwrite
# More options for focus-bench, e.g. BENCH=--quick.
BENCH ?=
# More options for the check on a GPU, e.g. GPU_CHECK="--quick --out out".
GPU_CHECK ?=
# More options for make fuzz, e.g. FUZZ="--inputs 1000000".
FUZZ ?=
# More options for make kills, e.g. KILLS="--rounds 500".
KILLS ?=
# Locks keep their pins; `make lock LOCK=--upgrade` moves them.
LOCK ?=
JOBS ?= 2

# The stamps carry the checksum of everything that a set-up depends on, so a set-up runs again when one of them changed.
checksum = $(shell (echo '$(PYTHON)'; cat $(1) requirements/uv.txt scripts/apt.sh scripts/venv.sh pyproject.toml) | cksum | cut -d' ' -f1)
EDGE_READY := $(EDGE)/.ready-$(call checksum,requirements/edge.txt)
TENSORRTS := 10.3 11.4 rtx
VENV_READY := $(VENV)/.ready-$(call checksum,requirements/test.txt requirements/grad-cam.txt scripts/tensorrt.sh scripts/aravis.sh requirements/aravis.txt $(TENSORRTS:%=requirements/tensorrt-%.txt))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-full test test-v4l2 fuzz kills lint bench gpu-check cubins lock clean distclean setup setup-edge

help:
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(EDGE_READY) ## stream a simulated leaf scene through the shipped model (edge runtime only, no torch)
	@$(EDGE)/bin/focus-run --camera sim: --out $(OUT)/demo --overwrite
	@echo "Look at $(OUT)/demo"

demo-full: $(VENV_READY) ## train a small model, export it and run it (installs torch, about 5 GB)
	@mkdir -p $(OUT)/demo-full
	@$(VENV)/bin/focus-train $(DEMO_TRAIN) --out $(OUT)/demo-full/model.pt --overwrite
	@$(VENV)/bin/focus-export --ckpt $(OUT)/demo-full/model.pt --onnx $(OUT)/demo-full/focus.onnx
	@$(VENV)/bin/focus-run --engine $(OUT)/demo-full/focus.onnx --camera sim: --out $(OUT)/demo-full/run --overwrite
	@echo "Look at $(OUT)/demo-full/run"

test: $(VENV_READY) ## run the tests; JOBS=8 for more of them at once
	@scripts/tools.sh
	@$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile

test-v4l2: $(VENV_READY) ## run V4L2 on a kernel's own driver, in a virtual machine without acceleration (some minutes)
	@scripts/v4l2.sh $(VENV)

fuzz: $(VENV_READY) ## feed the stream's reader with 100,000 damaged streams; FUZZ=--atheris where that is installed
	@PYTHONPATH=tests $(VENV)/bin/python -m support.fuzz $(FUZZ)

kills: $(VENV_READY) ## kill focus-run 50 times at random moments and read what it left (ten minutes)
	@PYTHONPATH=tests $(VENV)/bin/python -m support.killed $(KILLS)

lint: $(VENV_READY) ## ruff, mypy and the import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@if $(VENV)/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	    $(VENV)/bin/mypy && $(VENV)/bin/mypy --python-version 3.10 --no-warn-return-any; \
	else echo "types are checked on Python 3.11 and newer: NumPy for 3.10 has other ones"; fi
	@$(VENV)/bin/lint-imports

bench: $(VENV_READY) ## time FOCUS beside its peers: table, out/bench.json and out/bench.png (a quarter of an hour)
	@$(VENV)/bin/focus-bench --json $(OUT)/bench.json --work $(OUT)/bench $(BENCH)

gpu-check: $(VENV_READY) ## are the kernels right on this GPU, and how fast is it all: docs/benchmarks/gpu-<device>.md (some minutes)
	@$(VENV)/bin/python benchmarks/gpu_check $(GPU_CHECK)

cubins: $(VENV_READY) ## compile the CUDA kernels for every GPU, for a wheel to carry; needs no GPU
	@$(VENV)/bin/python -m focus.kernels.cuda

lock: $(EDGE_READY) ## write requirements/*.txt anew from pyproject.toml; LOCK=--upgrade for newer versions
	@$(COMPILE) requirements/uv.in --no-annotate -o requirements/uv.txt
	@$(COMPILE) pyproject.toml requirements/build.in --extra serve -o requirements/edge.txt
	@$(COMPILE) pyproject.toml requirements/build.in requirements/peers.in --extra export --extra openvino --extra quantize --extra serve --extra v4l2 --extra gentl --extra gps --extra archive --extra dev -o requirements/test.txt
	@$(subst --only-binary :all:,,$(COMPILE)) requirements/aravis.in --no-annotate -o requirements/aravis.txt
	@set -e; for name in $(TENSORRTS); do $(COMPILE) requirements/tensorrt-$$name.in --no-deps --no-annotate -o requirements/tensorrt-$$name.txt; done

clean: ## remove out/, built packages and caches; the environments stay
	@rm -rf $(OUT) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find benchmarks calib exporter kernels runtime tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## clean, and remove the environments
	@rm -rf $(EDGE) $(VENV)

# No address of a registry gets into a lock; one lock serves every Python and both machine types.
COMPILE = UV_CUSTOM_COMPILE_COMMAND='make lock' $(EDGE)/bin/uv pip compile -q $(LOCK) --universal --python-version 3.10 \
	--no-python-downloads --only-binary :all: --generate-hashes --no-emit-index-url --no-emit-find-links

setup-edge: $(EDGE_READY) ## install the edge runtime alone, into .venv-edge

setup: $(VENV_READY) ## install everything, into .venv (torch, about 5 GB)

$(EDGE_READY):
	@scripts/venv.sh $(EDGE) requirements/edge.txt
	@rm -f $(EDGE)/.ready-* && touch $@

$(VENV_READY):
	@scripts/venv.sh $(VENV) requirements/test.txt requirements/grad-cam.txt
	@scripts/tensorrt.sh $(VENV)
	@scripts/aravis.sh $(VENV)
	@rm -f $(VENV)/.ready-* && touch $@
