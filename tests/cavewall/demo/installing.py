"""Packages that a test puts on the import path, in front of the installed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from cavewall.demo.packages import DemoPackage


def put_in_front(
    package: DemoPackage, monkeypatch: pytest.MonkeyPatch, folder: Path, *, version: str | None = None
) -> Path:
    """Install a package whose import fails, and return its empty folder."""
    home = folder / package.module
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("raise RuntimeError('imported')\n")
    info = folder / f"{package.module}-{version or package.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package.distribution}\nVersion: {version or package.version}\n"
    )
    monkeypatch.syspath_prepend(folder)
    return home
