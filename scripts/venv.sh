#!/usr/bin/env bash
# Makes or updates a virtual environment: scripts/venv.sh DIR LOCK [SOURCES]
#
# Afterwards DIR holds what the lock file LOCK pins and this repository as an editable install. Only wheels are
# installed, each checked against its hash; SOURCES pins the few packages that have none, built with what LOCK brought. PYTHON=... names the interpreter; without it the first of python3,
# python3.13 ... python3.10 that is new enough is taken. A second run with the same lock needs no network.
set -euo pipefail

fail() {
    echo "scripts/venv.sh: $*" >&2
    exit 2
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none; }

find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON must be Python 3.10 or newer, got $(version_of "$PYTHON"); name another one"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "needs Python 3.10 or newer, python3 is $(version_of python3); install one or name it with PYTHON=/path/to/python"
}

# Debian and Ubuntu ship ensurepip in a package of its own.
install_ensurepip() {
    local package
    package="python$(version_of "$1")-venv"
    apt_install "$package" || true
    "$1" -c 'import venv; from ensurepip import version' 2>/dev/null ||
        fail "$1 has no ensurepip module; run: sudo apt-get install -y $package (or name another Python with PYTHON=...)"
}

make_venv() {
    local base
    base=$(find_python)
    if new_enough "$venv/bin/python" && { [ -z "${PYTHON:-}" ] || [ "$(version_of "$venv/bin/python")" = "$(version_of "$base")" ]; }; then
        return
    fi
    "$base" -c 'import venv; from ensurepip import version' 2>/dev/null || install_ensurepip "$base"
    echo "making $venv with Python $(version_of "$base")"
    "$base" -m venv --clear "$venv"
}

install_lock() {
    local pip=("$venv/bin/python" -m pip --disable-pip-version-check) install
    "${pip[@]}" --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    if "${pip[@]}" install -qq --require-hashes --only-binary :all: -r requirements/uv.txt; then
        install=("$venv/bin/uv" pip install --python "$venv/bin/python")
    else
        echo "uv cannot be installed here; going on with pip, which takes longer"
        install=("${pip[@]}" install)
    fi
    [ -t 2 ] || install+=(-q)
    echo "installing $lock into $venv"
    "${install[@]}" --require-hashes --only-binary :all: -r "$lock"
    [ -z "$sources" ] || "${install[@]}" --require-hashes --no-deps --no-build-isolation -r "$sources"
    "${install[@]}" --no-deps --no-build-isolation -e .
}

[ $# -eq 2 ] || [ $# -eq 3 ] || fail "usage: scripts/venv.sh DIR LOCK [SOURCES]"
venv=$1 lock=$2 sources=${3:-}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/apt.sh
make_venv
install_lock
