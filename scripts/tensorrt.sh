#!/usr/bin/env bash
# Unpacks what the tests hold the TensorRT build against: scripts/tensorrt.sh DIR
#
# Into DIR/share/focus/tensorrt-NAME of the environment DIR go the packages that requirements/tensorrt-NAME.txt pins, each
# in a folder of its own, because two versions of one module do not fit into one environment. Where there is no wheel for
# this machine or Python the folder stays empty, and the tests that need it say so and are skipped.
set -euo pipefail
[ $# -eq 1 ] || { echo "scripts/tensorrt.sh: usage: scripts/tensorrt.sh DIR" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -x "$1/bin/uv" ]; then
    install=("$1/bin/uv" pip install --python "$1/bin/python" -q)
else
    install=("$1/bin/python" -m pip --disable-pip-version-check install -q)
fi
for lock in requirements/tensorrt-*.txt; do
    name=$(basename "$lock" .txt)
    folder=$1/share/focus/$name
    rm -rf "$folder"
    mkdir -p "$folder"
    "${install[@]}" --target "$folder" --no-deps --require-hashes --only-binary :all: -r "$lock"
done
