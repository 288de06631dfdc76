#!/usr/bin/env bash
# Runs tests/v4l2 on a kernel that has the driver vivid, a camera of the kernel's own: scripts/v4l2.sh DIR
#
# DIR is the environment with the tests' packages. The kernel is Debian's; QEMU boots it without acceleration, so that this
# works in a container too, and this machine's files are the guest's, read-only, over 9p. The kernel and what starts it are
# kept in DIR/share/focus/v4l2. The exit code is that of the tests, or 2 where the guest cannot be started.
set -euo pipefail

fail() {
    echo "scripts/v4l2.sh: $*" >&2
    exit 2
}

[ $# -eq 1 ] || fail "usage: scripts/v4l2.sh DIR"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/apt.sh
python=$(realpath -s "$1/bin/python")
folder=$(realpath -s "$1")/share/focus/v4l2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Modules, with what each needs before it, in $folder/initrd; and in which order they are loaded.
keep_modules() {
    local from=$1 needs name index
    for name in virtio_pci 9pnet_virtio 9p vivid; do
        read -ra needs < <(grep "/$name\.ko:" "$from/modules.dep" | tr -d :)
        [ ${#needs[@]} -gt 0 ] || fail "the kernel has no module $name"
        for ((index = ${#needs[@]} - 1; index >= 0; index--)); do
            [ ! -e "$folder/initrd/$(basename "${needs[index]}")" ] || continue
            cp "$from/${needs[index]}" "$folder/initrd/"
            basename "${needs[index]}" >>"$folder/initrd/order"
        done
    done
}

fetch_kernel() {
    local kernel version
    kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | grep -om1 'linux-image-[0-9][^ ]*') ||
        fail "apt knows no Debian kernel; run: sudo apt-get update"
    echo "fetching $kernel"
    (cd "$work" && apt-get download -qq "$kernel" busybox-static >/dev/null 2>&1 && for deb in *.deb; do dpkg -x "$deb" .; done) ||
        fail "$kernel and busybox-static cannot be had; run: sudo apt-get update"
    version=$(ls "$work/lib/modules")
    rm -rf "$folder" && mkdir -p "$folder/initrd/bin"
    cp "$work/bin/busybox" "$folder/initrd/bin/"
    "$work/bin/busybox" depmod -b "$work" "$version"
    keep_modules "$work/lib/modules/$version"
    cp "$work/boot/vmlinuz-$version" "$folder/vmlinuz"
}

write_init() {
    cat >"$folder/initrd/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
for place in proc sys dev host; do $b mkdir -p /$place; done
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do
    [ $module = vivid.ko ] && set -- n_devs=1 node_types=0x1 num_inputs=1 input_types=3 ccs_cap_mode=7
    $b insmod /$module "$@"
done </order
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=524288 host /host
for place in proc sys dev; do $b mount -o bind /$place /host/$place; done
$b mount -t tmpfs tmp /host/tmp
$b chroot /host /bin/sh -c "$($b cat /job)"
echo "the tests ended with $?"
$b poweroff -f
INIT
    chmod +x "$folder/initrd/init"
}

write_job() {
    {
        printf 'export %s=%q\n' PYTHONPATH "${PYTHONPATH:-}" PYTHONDONTWRITEBYTECODE 1 HYPOTHESIS_STORAGE_DIRECTORY /tmp
        printf 'cd %q && exec %q -m pytest -q -p no:cacheprovider --color=no tests/v4l2\n' "$PWD" "$python"
    } >"$folder/initrd/job"
}

boot() {
    timeout 900 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 \
        -kernel "$folder/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 quiet loglevel=0 panic=-1" \
        -display none -monitor none -serial stdio -nic none -no-reboot \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap </dev/null
}

[ "$(uname -m)" = x86_64 ] || fail "the guest runs this machine's Python, so it must be x86-64"
command -v apt-get >/dev/null && command -v dpkg >/dev/null || fail "needs Debian or Ubuntu, whose kernel package it boots"
command -v qemu-system-x86_64 >/dev/null || apt_install qemu-system-x86 ||
    fail "needs QEMU; run: sudo apt-get install qemu-system-x86"
[ -e "$folder/vmlinuz" ] || fetch_kernel
write_init
write_job
(cd "$folder/initrd" && find . | ./bin/busybox cpio -o -H newc 2>/dev/null) >"$work/initrd"
boot | tee "$work/log"
status=$(sed -n 's/^the tests ended with \([0-9]*\).*/\1/p' "$work/log")
exit "${status:-2}"
