#!/usr/bin/env bash
# Brings a GigE Vision camera that the tests can kill: scripts/aravis.sh DIR
#
# Into DIR/share/focus/aravis of the environment DIR go PyGObject, built from the sources that requirements/aravis.txt
# pins, and Aravis' fake camera. The libraries themselves are Debian packages, which are installed where this may be done
# without asking. Where any of it cannot be had the folder stays empty, and the tests that need it say so and are skipped.
set -euo pipefail
[ $# -eq 1 ] || { echo "scripts/aravis.sh: usage: scripts/aravis.sh DIR" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/apt.sh
folder=$1/share/focus/aravis
packages=(libaravis-0.8-0 gir1.2-aravis-0.8 libgirepository1.0-dev libcairo2-dev gcc pkg-config)
tools=aravis-tools

skip() {
    rm -rf "$folder" && mkdir -p "$folder"
    echo "no Aravis here ($1); the tests of GigE Vision are skipped"
    exit 0
}

install_packages() {
    dpkg -s "${packages[@]}" >/dev/null 2>&1 || apt_install "${packages[@]}"
}

unpack_tools() {
    local at
    at=$(mktemp -d)
    (cd "$at" && apt-get download -qq "$tools" >/dev/null 2>&1 && dpkg -x "$tools"_*.deb .) || return 1
    cp "$at"/usr/bin/arv-fake-gv-camera-* "$folder/arv-fake-gv-camera" && rm -rf "$at"
}

command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "not a Debian or Ubuntu"
rm -rf "$folder" && mkdir -p "$folder"
install_packages || skip "its Debian packages cannot be installed; needs root"
"$1/bin/python" -m pip --disable-pip-version-check install -q --target "$folder" --no-deps --require-hashes -r requirements/aravis.txt ||
    skip "PyGObject cannot be built"
unpack_tools || skip "the package $tools cannot be had"
