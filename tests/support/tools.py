"""Programs that are no Python packages; scripts/tools.sh installs them where it may."""

from __future__ import annotations

import os
import shutil

import pytest


def tool(program: str, package: str) -> str:
    """The path of a program; the test is skipped where it is absent.

    Args:
        program: as it is called.
        package: of Debian and Ubuntu, that holds it.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed; to run this test: apt-get install {package}")
    return found
