"""Files and programs of the machine: an answer, or None, and never a wait without end."""

from __future__ import annotations

import time

from focus.runtime.doctor import Machine
from focus.runtime.doctor._clock import clock_facts
from focus.runtime.doctor._jetson import jetson_facts, l4t_from_release
from focus.runtime.doctor._processor import processor_facts
from focus.runtime.doctor._python import python_facts

ORIN = (
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025"
)


def test_a_file_is_read_without_the_zero_of_the_device_tree(fake):
    fake.write("/proc/device-tree/model", "NVIDIA Jetson AGX Orin Developer Kit\0")
    assert fake.machine.text("/proc/device-tree/model") == "NVIDIA Jetson AGX Orin Developer Kit"


def test_what_cannot_be_read_is_none(fake):
    fake.write("/etc/os-release/inside")
    assert fake.machine.text("/etc/absent") is None
    assert fake.machine.text("/etc/os-release") is None


def test_a_program_answers(fake):
    fake.program("tool", 'echo "$1 and $LC_ALL"')
    assert fake.machine.answer("tool", "said") == "said and C"


def test_a_program_that_is_absent_fails_or_cannot_start_is_none(fake):
    fake.program("fails", "echo half; exit 3")
    fake.program("broken", "")
    (fake.programs / "broken").write_text("#!/nowhere/interpreter\n")
    assert [fake.machine.answer(name) for name in ("absent", "fails", "broken")] == [None, None, None]


def test_a_program_that_hangs_is_left(fake):
    fake.program("hangs", "exec /bin/sleep 60")
    start = time.monotonic()
    assert fake.machine.answer("hangs", limit_s=0.2) is None
    assert time.monotonic() - start < 10


def test_jetson_of_jetpack_6(fake):
    fake.write("/etc/nv_tegra_release", ORIN)
    fake.write("/proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0")
    fake.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq", "1728000\n")
    fake.write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "1728000\n")
    fake.program("nvpmodel", '[ "$1" = -q ] && echo "NV Power Mode: MAXN_SUPER" && echo 2')
    found = jetson_facts(fake.machine)
    assert (found.found, found.model) == (True, "NVIDIA Jetson Orin Nano Developer Kit")
    assert (found.l4t, found.jetpack) == ("36.4.3", "6")
    assert (found.power_mode, found.clocks_locked) == ("MAXN_SUPER", True)


def test_power_mode_from_the_status_file_where_only_root_may_ask(fake):
    fake.write("/etc/nv_tegra_release", ORIN.replace("R36", "R39").replace("4.3", "2.1"))
    fake.write("/var/lib/nvpmodel/status", "pmode:0002\n")
    fake.program("nvpmodel", "echo Error: must be root >&2; exit 1")
    found = jetson_facts(fake.machine)
    assert (found.power_mode, found.clocks_locked, found.model) == ("number 2", None, None)
    assert found.jetpack == "7.2 or later"


def test_a_jetson_whose_release_file_says_nothing(fake):
    fake.write("/etc/nv_tegra_release", "garbage\n")
    found = jetson_facts(fake.machine)
    assert found.found
    assert (found.l4t, found.jetpack) == (None, None)
    assert l4t_from_release("# R99 (release), REVISION: 1.0") == "99.1.0"


def test_another_board_is_no_jetson(fake):
    fake.write("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    fake.program("nvpmodel", "echo NV Power Mode: 15W")
    assert not jetson_facts(fake.machine).found
    assert jetson_facts(fake.machine).power_mode is None


def test_memory_and_system_from_their_files(fake):
    fake.write("/proc/meminfo", "MemTotal:  8000 kB\nMemAvailable:  5000 kB\nHugePages_Total:  0\nSwapTotal: junk kB\n")
    fake.write("/etc/os-release", 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n')
    found = processor_facts(fake.machine)
    assert (found.memory_bytes, found.available_bytes, found.swap_bytes) == (8_192_000, 5_120_000, None)
    assert found.usable_cores >= 1
    assert python_facts(fake.machine).system == "Ubuntu 22.04.5 LTS"


def test_clock(fake):
    assert clock_facts(fake.machine).synchronised is None
    for said, expected in (("yes", True), ("no", False), ("perhaps", None)):
        fake.program("timedatectl", f"echo {said}")
        assert clock_facts(fake.machine).synchronised is expected


def test_this_machine():
    found = processor_facts(Machine())
    assert found.memory_bytes > found.available_bytes > 0
    assert python_facts(Machine()).focus is not None
