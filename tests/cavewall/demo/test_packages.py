from pathlib import Path

import pytest

from cavewall.demo.packages import DemoPackage, package_file, package_folder
from registry.errors import InputError, MissingExtra
from tests.cavewall.demo.installing import put_in_front

LOUD = DemoPackage("a-loud-package", "a_loud_package", "1.2.0")


def test_a_package_that_is_not_installed_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"a-loud-package 1\.2\.0") as caught:
        package_folder(LOUD)
    assert caught.value.hint == "pip install 'cavewall[demo]'"


def test_a_package_is_found_without_running_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = put_in_front(LOUD, monkeypatch, tmp_path)
    assert package_folder(LOUD) == home


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_in_front(LOUD, monkeypatch, tmp_path, version="1.3.0")
    with pytest.raises(InputError, match=r"1\.2\.0, version 1\.3\.0 is installed"):
        package_folder(LOUD)


def test_a_file_is_found_and_a_missing_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = put_in_front(LOUD, monkeypatch, tmp_path)
    (home / "data").mkdir()
    (home / "data" / "here.json").write_text("{}")
    assert package_file(LOUD, "data/here.json").read_text() == "{}"
    with pytest.raises(InputError, match=r"lacks its file data/gone\.json") as caught:
        package_file(LOUD, "data/gone.json")
    assert "a-loud-package==1.2.0" in caught.value.hint
