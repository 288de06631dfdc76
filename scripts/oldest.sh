#!/usr/bin/env bash
# Runs the tests with the oldest packages that pyproject.toml allows: scripts/oldest.sh UV DIR [PYTEST OPTIONS]
#
# DIR holds an environment of the oldest Python that is here, made anew each time: what is oldest is looked up, not pinned.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=$1 venv=$2
shift 2
for python in python3.10 python3.11 python3.12 python3; do
    command -v "$python" >/dev/null && break
done
"$uv" venv -q --clear --python "$python" "$venv"
"$uv" pip install -q --python "$venv/bin/python" --resolution lowest-direct --only-binary :all: \
    -e ".[export,openvino,gps,serve,gpu,dev]"
"$uv" pip install -q --python "$venv/bin/python" --only-binary :all: -r requirements/build.in -r requirements/peers.in
"$uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -r requirements/grad-cam.txt
"$uv" pip list --python "$venv/bin/python" 2>/dev/null
# Old packages warn of what newer ones took away.
exec "$venv/bin/python" -m pytest -W ignore::DeprecationWarning tests/runtime tests/exporter "$@"
