"""Resolving against the local cache of the hub."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ingest.hub import cache_folder, find_snapshot, is_offline, require_snapshot
from registry.errors import InputError
from tests.ingest.conftest import CacheModel, write_json


def test_a_branch_is_resolved_to_the_commit_in_the_cache(cache_model: CacheModel, tmp_path: Path) -> None:
    config = write_json(tmp_path / "config.json", {"model_type": "bert"})
    commit = cache_model("org/model", {"config.json": config}, revision="v1", commit="b" * 40)
    folder = find_snapshot("org/model", "v1")
    assert folder is not None
    assert folder.name == commit
    assert (folder / "config.json").read_text() == config.read_text()


def test_a_commit_is_found_by_itself(cache_model: CacheModel, tmp_path: Path) -> None:
    commit = cache_model("org/model", {"config.json": write_json(tmp_path / "config.json", {})})
    folder = find_snapshot("org/model", commit)
    assert folder is not None
    assert folder.name == commit


@pytest.mark.usefixtures("hub_cache")
def test_what_is_not_in_the_cache_is_not_resolved() -> None:
    assert find_snapshot("org/model", "main") is None
    with pytest.raises(InputError, match="is not in the local cache"):
        require_snapshot("org/model", "c" * 40)


def test_the_environment_names_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    assert cache_folder() == tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_offline_is_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: bool
) -> None:
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert is_offline() is expected


ASK = """
import sys
from ingest.hub import find_snapshot
from registry.errors import InputError
try:
    print(find_snapshot(sys.argv[1], "main"))
except InputError as error:
    print(error.message)
"""


class NoSuchModel(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        has_model = self.path.startswith("/api/models/org/known/")
        self.send_header("X-Error-Code", "RevisionNotFound" if has_model else "RepoNotFound")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def ask(endpoint: str, home: Path, repository: str = "org/model") -> str:
    """Ask a hub in a process of its own: the client reads its address when it is imported."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HOME": str(home)}
    answer = subprocess.run(
        [sys.executable, "-c", ASK, repository],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return answer.stdout.strip()


@pytest.mark.slow
def test_a_hub_that_says_no_is_believed_and_one_that_is_silent_is_not(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), NoSuchModel)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        assert ask(address, tmp_path).startswith("org/model@main: the hub refused it: 404")
        assert ask(address, tmp_path, "org/known") == "org/known has no revision 'main' on the hub"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert ask(address, tmp_path) == "None"
