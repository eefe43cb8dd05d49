from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import ConfigurationError
from registry.settings import Settings, TrustList, load_settings


def zoo(folder: Path, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cavewall.toml").write_text(text)
    return folder


def load(folder: Path, **arguments: object) -> Settings:
    environment = {"HOME": "/nowhere", **arguments.pop("environment", {})}  # type: ignore[dict-item]
    return load_settings(folder, environment=environment, **arguments)  # type: ignore[arg-type]


def origin(settings: Settings, key: str) -> str:
    return next(value.origin for value in settings.values if value.key == key)


def test_defaults_count_from_the_zoo(tmp_path: Path) -> None:
    folder = zoo(tmp_path / "zoo")
    inside = folder / "a" / "b"
    inside.mkdir(parents=True)
    settings = load(inside)
    assert settings.folder == folder
    assert settings.database == f"sqlite:///{folder}/.cavewall/registry.sqlite"
    assert settings.store == folder / "store"
    assert origin(settings, "store") == "default"


def test_a_flag_beats_a_variable_beats_the_file_beats_the_users_own(tmp_path: Path) -> None:
    folder = zoo(tmp_path / "zoo", 'device = "cuda:1"')
    own = tmp_path / "config"
    (own / "cavewall").mkdir(parents=True)
    (own / "cavewall" / "config.toml").write_text('device = "cuda:2"\nstore = "/elsewhere"')
    environment = {"XDG_CONFIG_HOME": str(own), "CAVEWALL_DEVICE": "cuda:3"}
    assert load(folder, device="cpu", environment=environment).device == "cpu"
    assert load(folder, environment=environment).device == "cuda:3"
    del environment["CAVEWALL_DEVICE"]
    assert load(folder, environment=environment).device == "cuda:1"
    assert load(folder, environment=environment).store == Path("/elsewhere")
    assert origin(load(folder, environment=environment), "store").endswith("config.toml")


def test_pyproject_can_hold_the_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.cavewall]\nstore = "s"\n')
    assert load(tmp_path).store == tmp_path / "s"


def test_a_pyproject_of_something_else_is_no_zoo(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ConfigurationError, match="no zoo here"):
        load(tmp_path)


def test_a_folder_that_is_not_a_zoo_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"no zoo here: neither {tmp_path}") as caught:
        load(tmp_path)
    assert caught.value.exit_code == 2
    assert "cavewall init" in caught.value.hint


def test_an_address_alone_is_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, database="postgresql://me@there/zoo")
    assert settings.database == "postgresql://me@there/zoo"
    assert settings.folder is None


def test_an_unknown_key_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown key 'databse'") as caught:
        load(zoo(tmp_path, 'databse = "x"'))
    assert caught.value.hint == "did you mean 'database' ?"


@pytest.mark.parametrize(("text", "message"), [("store = 3", "must be a text"), ("store = ", "is not TOML")])
def test_a_broken_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(zoo(tmp_path, text))


def test_trust_comes_from_the_files_of_this_host_and_is_shown(tmp_path: Path) -> None:
    digest = "0123456789abcdef" * 4
    folder = zoo(tmp_path / "zoo", f'device = "cpu"\n[trust]\npickles = ["{digest}"]\n')
    own = tmp_path / "config" / "cavewall"
    own.mkdir(parents=True)
    (own / "config.toml").write_text('[trust]\nentry_points = ["nets:resnet20", "a.b:c"]\n')
    settings = load(folder, environment={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert settings.trust == TrustList((digest,), ("nets:resnet20", "a.b:c"))
    assert origin(settings, "trust.pickles") == str(folder / "cavewall.toml")
    assert origin(settings, "trust.entry_points").endswith("config.toml")
    assert load(folder).trust.entry_points == ()
    assert load(zoo(tmp_path / "plain")).trust == TrustList()


@pytest.mark.parametrize(
    "text",
    [
        'trust = "all"',
        "[trust]\npickles = true",
        '[trust]\npickles = "*"',
        '[trust]\npickles = ["12fca82f"]',
        f'[trust]\npickles = ["{"A" * 64}"]',
        f'[trust]\npickles = ["{"a" * 64}\\n"]',
        "[trust]\npickles = [3]",
        '[trust]\nentry_points = ["nets"]',
        '[trust]\nentry_points = ["nets:*"]',
        "[trust]\neverything = true",
    ],
)
def test_trust_that_says_more_than_whole_digests_and_names_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[trust\]"):
        load(zoo(tmp_path, text))


def test_a_projects_file_cannot_grant_trust(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.cavewall.trust]\nentry_points = ["nets:f"]\n')
    with pytest.raises(ConfigurationError, match="trust belongs to one machine"):
        load(tmp_path)
