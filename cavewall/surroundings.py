"""What this machine offers: Python, the libraries of the extras, a device, a network."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from cavewall.version import __version__
from registry.findings import Finding

EXTRAS = {"models": "to compute", "postgres": "for a registry on PostgreSQL"}
HUB_SECONDS = 2.0
CUDA_LIBRARY = "libcuda.so.1"

_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+).*;\s*extra == ['\"](?P<extra>[a-z]+)['\"]$")


def versions() -> Iterator[Finding]:
    """Yield which Python and which version of this program run."""
    yield Finding("ok", "versions", f"python {platform.python_version()}, cavewall {__version__}")


def extras() -> Iterator[Finding]:
    """Yield for each extra whether its libraries are installed."""
    try:
        requirements = requires("cavewall") or []
    except PackageNotFoundError:
        yield Finding(
            "info", "extras", "cavewall runs from a folder and is not installed: extras are unknown"
        )
        return
    for extra, purpose in EXTRAS.items():
        missing = [name for name in libraries_of(requirements, extra) if not _is_installed(name)]
        if missing:
            message = (
                f"not installed, {purpose} ({', '.join(missing)} missing): pip install 'cavewall[{extra}]'"
            )
            yield Finding("info", f"extra {extra}", message)
        else:
            yield Finding("ok", f"extra {extra}", "installed")


def libraries_of(requirements: Sequence[str], extra: str) -> list[str]:
    """Return the libraries that an extra brings, of the lines of a package's requirements."""
    matches = (_REQUIREMENT.match(line) for line in requirements)
    return [match["name"] for match in matches if match and match["extra"] == extra]


def device(wanted: str, *, driver: str = CUDA_LIBRARY) -> Iterator[Finding]:
    """Yield where this machine computes; torch is imported only if the driver knows of a CUDA device.

    Args:
        wanted: what the configuration asks for: auto, cpu, cuda or cuda:N.
        driver: the library of the CUDA driver.
    """
    if find_spec("torch") is None:
        yield Finding("info", "device", "nothing can be computed here: pip install 'cavewall[models]'")
        return
    cpu = f"cpu, {thread_text(os.environ)}"
    has_driver = wanted != "cpu" and driver_devices(driver) > 0
    names = cuda_devices() if has_driver else []
    index = int(wanted.partition(":")[2] or 0) if wanted.startswith("cuda") else 0
    if wanted.startswith("cuda") and index >= len(names):
        message = (
            f"the configuration asks for {wanted}, this machine has {len(names)} CUDA devices; set device"
        )
        yield Finding("fail", "device", f"{message} = 'auto' there")
    elif names:
        yield Finding("ok", "device", f"cuda: {', '.join(names)}")
    elif has_driver:
        yield Finding("warn", "device", f"the driver shows a CUDA device that this torch cannot use; {cpu}")
    else:
        yield Finding("info", "device", cpu if wanted == "cpu" else f"no CUDA device; {cpu}")


def thread_text(environment: Mapping[str, str]) -> str:
    """Return how many threads a computation takes, '1 thread' or '2 threads'."""
    asked = environment.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = int(asked) if asked.isdigit() and int(asked) > 0 else available
    return f"{count} thread{'' if count == 1 else 's'}"


def driver_devices(library: str = CUDA_LIBRARY) -> int:
    """Return how many CUDA devices the driver shows this process; 0 where there is no driver."""
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def cuda_devices() -> list[str]:
    """Return the CUDA devices that torch can use, by name. Importing torch takes seconds."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [torch.cuda.get_device_name(number) for number in range(count)]


def network(*, online: bool) -> Iterator[Finding]:
    """Yield whether the model hub may be and can be reached; it is asked only where that is wanted."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        yield Finding("info", "network", "offline (HF_HUB_OFFLINE is set): only the local cache is used")
    elif not online:
        yield Finding("info", "network", "allowed (HF_HUB_OFFLINE is not set); not tried: add --online")
    elif find_spec("huggingface_hub") is None:
        yield Finding("info", "network", "no hub to ask: pip install 'cavewall[models]'")
    else:
        from huggingface_hub.constants import ENDPOINT

        yield reached(ENDPOINT)


def reached(endpoint: str, seconds: float = HUB_SECONDS) -> Finding:
    """Return whether a server answers, whatever it says."""
    if not endpoint.startswith(("http://", "https://")):
        return Finding("warn", "network", f"'{endpoint}' is no web address: correct HF_ENDPOINT")
    request = urllib.request.Request(endpoint, method="HEAD")  # noqa: S310 - http and https alone, see above
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310
            pass
    except urllib.error.HTTPError:
        pass  # an answer, if not a friendly one
    except OSError as error:
        reason = getattr(error, "reason", error)
        return Finding("info", "network", f"{endpoint} not reached in {seconds:g} s ({reason})")
    return Finding("ok", "network", f"{endpoint} answers")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
