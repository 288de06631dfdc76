"""What the machine says of itself: free disk, temperatures."""

from __future__ import annotations

import shutil
from pathlib import Path

#: Where Linux shows its temperatures.
ZONES = Path("/sys/class/thermal")


def disk_free(folder: Path) -> int | None:
    """Free bytes where a folder is or will be; None where the system does not say."""
    for place in (folder, *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def temperatures(zones: Path = ZONES) -> dict[str, float]:
    """Degrees Celsius by zone, of those zones that can be read; zones of one type get a number."""
    found: dict[str, float] = {}
    for zone in sorted(zones.glob("thermal_zone*")):
        try:
            name = (zone / "type").read_text().strip()
            degrees = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue  # a zone whose sensor sleeps refuses to be read
        found[name if name not in found else f"{name} {zone.name.removeprefix('thermal_zone')}"] = degrees
    return found
