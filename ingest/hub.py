"""Model repositories of the Hugging Face hub: resolved to a commit, and brought to a local folder.

Offline (`HF_HUB_OFFLINE`) everything comes from the local cache; online too, where the hub does not answer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ingest.models_extra import require_models
from registry.errors import InputError

CONFIGURATION = ("config.json",)
WITHOUT_WEIGHTS = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja")
WHOLE_MODEL = (*WITHOUT_WEIGHTS, "*.safetensors")
HUB_TIMEOUT_SECONDS = 10.0


def is_offline() -> bool:
    """Return whether the environment forbids to ask the hub."""
    return any(
        os.environ.get(variable, "").strip().upper() in ("1", "ON", "YES", "TRUE")
        for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def cache_folder() -> Path | None:
    """Return the hub's local cache that the environment names, or None for the library's own choice."""
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    if os.environ.get("HF_HOME"):
        return Path(os.environ["HF_HOME"]).expanduser() / "hub"
    return None


def find_snapshot(
    repository: str,
    revision: str,
    patterns: Sequence[str] = CONFIGURATION,
    *,
    kind: Literal["model", "dataset"] = "model",
) -> Path | None:
    """Return the local folder of a repository at a revision, named by its commit, or None if there is none.

    Online, the files that match `patterns` are downloaded first.

    Raises:
        InputError: the hub refuses (no such model or revision, a closed model), or the cache cannot be used.
    """
    require_models(f"reading a {kind} of the hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RevisionNotFoundError

    # The client changed its transport library; the errors of each share an ancestor of one of these names.
    names = ("HTTPError", "RequestException")
    transport = tuple(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ in names)
    unreachable: tuple[type[BaseException], ...] = (LocalEntryNotFoundError, *transport)
    try:
        folder = snapshot_download(
            repository,
            repo_type=kind,
            revision=revision,
            cache_dir=cache_folder(),
            allow_patterns=list(patterns),
            local_files_only=is_offline(),
            etag_timeout=HUB_TIMEOUT_SECONDS,
        )
    except RevisionNotFoundError as error:
        raise InputError(
            f"{repository} has no revision '{revision}' on the hub",
            hint="name a branch, a tag or a commit that its page lists",
        ) from error
    except HfHubHTTPError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{repository}@{revision}: the hub refused it: {reason}",
            hint=f"check the name and the revision, and log in if the {kind} is gated",
        ) from error
    except unreachable:
        return None
    except OSError as error:
        raise InputError(
            f"{repository}@{revision}: the local cache cannot be used: {error}",
            hint="check its folder (HF_HOME), and the space on its disk",
        ) from error
    return Path(folder)


def require_snapshot(repository: str, commit: str, patterns: Sequence[str] = WHOLE_MODEL) -> Path:
    """Return the local folder of a repository at a commit, with its files.

    Raises:
        InputError: they are not in the local cache and cannot be downloaded.
    """
    folder = find_snapshot(repository, commit, patterns)
    if folder is None:
        raise InputError(
            f"{repository}@{commit[:12]} is not in the local cache, and the hub cannot be asked",
            hint="run the command once with access to the hub (HF_HUB_OFFLINE unset)",
        )
    return folder
