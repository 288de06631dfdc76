#!/usr/bin/env bash
# Installs the programs that the tests run and that are no Python packages, where they are missing and may be installed:
# a compiler for the CUDA kernels on the host, what reads the systemd unit and the udev rules of deploy/, and a browser for
# the live page.
# Without them their tests are skipped, and say which package they want.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/apt.sh

missing=()
while read -r program package; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("$package")
done <<'EOF'
g++ g++
readelf binutils
systemd-analyze systemd
udevadm udev
chromium chromium
EOF
# One by one: a system that lacks one of them still gets the others.
for package in "${missing[@]}"; do
    apt_install "$package" || echo "tests that need $package will be skipped; run: sudo apt-get install $package"
done
