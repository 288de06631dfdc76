"""The report for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from focus.runtime.doctor._gpus import Gpu
from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._report import Ability, Facts, Report

MARKS = {True: Text("yes", "bold green"), False: Text("no", "bold yellow")}


def show(report: Report, console: Console) -> None:
    """Prints what is there, what will work, what is missing, and advice."""
    console.print(_rows_table([*_machine_rows(report.facts), *_library_rows(report.facts)]))
    console.print(Text("\nwhat of FOCUS works here", "bold"))
    console.print(_ability_table(report.abilities))
    _show_lines(console, "what would bring the rest", _remedies(report.abilities))
    _show_lines(console, "advice", report.advice)
    _show_lines(console, "could not be looked at", report.unknown)


def _show_lines(console: Console, title: str, lines: tuple[str, ...]) -> None:
    """Lines are not folded, so that commands can be copied."""
    if lines:
        console.print(Text(f"\n{title}", "bold"))
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _remedies(abilities: tuple[Ability, ...]) -> tuple[str, ...]:
    found = {one.remedy: one.name for one in reversed(abilities) if not one.works and one.remedy}
    return tuple(f"{remedy}    # {name}" for remedy, name in reversed(found.items()))


def _rows_table(rows: list[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def _ability_table(abilities: tuple[Ability, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1, style="dim")
    for one in abilities:
        table.add_row(MARKS[one.works], Text(one.does), Text(one.why))
    return table


def _machine_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    python, processor = facts.python, facts.processor
    yield "FOCUS", f"{python.focus or 'not installed'}, {python.implementation} {python.version}"
    yield "system", f"{python.system}, Linux {python.kernel}, {python.machine}"
    yield "processor", f"{processor.name}, {processor.usable_cores} of {processor.cores} cores"
    yield "instructions", ", ".join(processor.instructions) or "none that matter here"
    yield (
        "memory",
        (
            f"{_size(processor.memory_bytes)}, {_size(processor.available_bytes)} available, "
            f"swap {_size(processor.swap_bytes)}"
        ),
    )
    yield from _jetson_rows(facts)
    yield from _gpu_rows(facts)
    yield from _camera_rows(facts)
    for place in facts.places:
        state = "" if place.writable else ", cannot be written"
        yield place.use, f"{place.path or 'none'}, {_size(place.free_bytes)} free{state}"
    synchronised = {True: "synchronised", False: "not synchronised", None: "not known if synchronised"}
    yield "clock", synchronised[facts.clock.synchronised]


def _jetson_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    jetson = facts.jetson
    if jetson.found:
        clocks = {True: "clocks locked", False: "clocks follow the load", None: "clocks not known"}
        yield "Jetson", f"{jetson.model or 'unknown model'}, L4T {jetson.l4t or '?'}, JetPack {jetson.jetpack or '?'}"
        yield "power mode", f"{jetson.power_mode or 'not known (try sudo nvpmodel -q)'}, {clocks[jetson.clocks_locked]}"


def _gpu_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    gpu = facts.gpu
    for one in gpu.gpus:
        yield "GPU", _gpu_text(one)
    if not gpu.gpus:
        yield "GPU", f"not found ({gpu.reason or 'not looked at'})"
    if gpu.driver or gpu.cuda_version:
        yield "driver", f"{gpu.driver or 'version not known'}, CUDA {gpu.cuda_version or 'not known'}"


def _gpu_text(gpu: Gpu) -> str:
    shared = " shared with the processor" if gpu.integrated else ""
    return f"{gpu.name}, compute capability {gpu.compute_capability or 'not known'}, {_size(gpu.memory_bytes)}{shared}"


def _camera_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    cameras = facts.cameras
    for node in cameras.nodes:
        target = f" -> {node.target}" if node.target else ""
        access = "" if node.readable or node.kind in ("dangling link", "no camera") else ", cannot be opened"
        yield "camera", f"{node.path}{target}: {node.kind}{f', {node.name}' if node.name else ''}{access}"
    for name in cameras.aravis:
        yield "camera", f"{name}, through Aravis"
    if not cameras.nodes and not cameras.aravis:
        yield "camera", f"not found (GigE Vision: {cameras.aravis_reason or 'none answers'})"


def _library_rows(facts: Facts) -> Iterator[tuple[str, str]]:
    for package in facts.packages:
        yield package.name, _package_text(package)


def _package_text(package: PackageFacts) -> str:
    if package.state == "absent":
        return "not installed"
    details = f" ({', '.join(package.details)})" if package.details else ""
    reason = f"{' does not load' if package.state == 'broken' else ''}: {package.reason}" if package.reason else ""
    return f"{package.version or 'version not known'}{details}{reason}"


def _size(size: int | None) -> str:
    return "not known" if size is None else f"{size / 2**30:,.1f} GiB"
