from __future__ import annotations

import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cavewall import surroundings
from cavewall.surroundings import EXTRAS, device, driver_devices, libraries_of, network, reached, thread_text

NO_DRIVER = "libno-such-driver.so.1"


@pytest.fixture(params=[200, 404])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every request with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_libraries_of_an_extra_are_those_of_pyproject() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = [f"{line}; extra == '{extra}'" for extra, listed in project.items() for line in listed]
    lines += ["click>=8.5", 'psycopg[binary]>=3.3; extra == "postgres"']
    assert libraries_of(lines, "postgres") == ["psycopg", "psycopg"]
    assert "torch" in libraries_of(lines, "models")
    assert set(EXTRAS) <= set(project)


def test_extras_are_installed_here() -> None:
    assert {(finding.subject, finding.level) for finding in surroundings.extras()} == {
        ("extra models", "ok"),
        ("extra postgres", "ok"),
    }


def test_a_missing_library_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ['no-such-library>=1; extra == "models"', 'click>=1; extra == "models"']
    monkeypatch.setattr(surroundings, "requires", lambda _name: lines)
    models, _ = surroundings.extras()
    assert models.level == "info"
    assert "(no-such-library missing)" in models.message
    assert "pip install 'cavewall[models]'" in models.message


def test_threads_are_those_that_were_asked_for() -> None:
    assert thread_text({"OMP_NUM_THREADS": "1"}) == "1 thread"
    assert thread_text({"OMP_NUM_THREADS": "12"}) == "12 threads"
    assert thread_text({"OMP_NUM_THREADS": "many"}) == thread_text({})


def test_without_a_driver_there_is_no_cuda_device() -> None:
    assert driver_devices(NO_DRIVER) == 0


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_a_machine_without_a_gpu_computes_on_the_cpu(wanted: str) -> None:
    (finding,) = device(wanted, driver=NO_DRIVER)
    assert finding.level == "info"
    assert "thread" in finding.message
    assert ("no CUDA device" in finding.message) == (wanted == "auto")


def test_a_device_that_is_asked_for_and_not_there_fails() -> None:
    (finding,) = device("cuda:3", driver=NO_DRIVER)
    assert finding.level == "fail"
    assert "asks for cuda:3, this machine has 0" in finding.message


def test_where_no_driver_knows_a_device_torch_is_not_imported(tmp_path: Path) -> None:
    script = (
        "import sys; from cavewall.surroundings import device\n"
        f"print([finding.level for finding in device('auto', driver='{NO_DRIVER}')], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['info'] False"


@pytest.mark.gpu
@pytest.mark.skipif(driver_devices() == 0, reason="no CUDA device")
def test_a_cuda_device_is_named() -> None:
    (finding,) = device("cuda")
    assert finding.level == "ok"
    assert finding.message.startswith("cuda: ")


def test_a_server_that_answers_anything_is_reached(endpoint: str) -> None:
    assert reached(endpoint).level == "ok"


def test_a_server_that_does_not_answer_is_not_reached() -> None:
    finding = reached("http://127.0.0.1:1", seconds=0.5)
    assert finding.level == "info"
    assert "not reached in 0.5 s" in finding.message
    assert reached("ftp://127.0.0.1").level == "warn"


@pytest.mark.parametrize("online", [True, False])
def test_offline_is_respected_even_where_the_hub_should_be_tried(
    online: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("the network was used"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (finding,) = network(online=online)
    assert finding.message.startswith("offline")


def test_the_network_is_left_alone_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("the network was used"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    (finding,) = network(online=False)
    assert "--online" in finding.message
