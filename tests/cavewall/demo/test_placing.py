import errno
from pathlib import Path

import pytest

from cavewall.demo.placing import place
from registry.errors import ConflictError, StoreError


def make_folder(path: Path, **files: str) -> None:
    path.mkdir(mode=0o700)
    for name, text in files.items():
        (path / name).write_text(text)
        (path / name).chmod(0o600)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_alone(tmp_path: Path) -> None:
    path = place(tmp_path / "new" / "weights", lambda made: made.write_bytes(b"12"))
    assert path.read_bytes() == b"12"
    assert names_in(path.parent) == ["weights"]


def test_a_folder_appears_whole_and_readable_by_others(tmp_path: Path) -> None:
    place(tmp_path / "step_0", lambda made: make_folder(made, weights="w", config="c"))
    assert names_in(tmp_path) == ["step_0"]
    assert names_in(tmp_path / "step_0") == ["config", "weights"]
    assert (tmp_path / "step_0").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "step_0" / "weights").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_half_way_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def fill_the_disk(made: Path) -> None:
        make_folder(made, weights="half")
        raise error

    with pytest.raises((StoreError, KeyboardInterrupt), match=r"No space left|^$"):
        place(tmp_path / "step_0", fill_the_disk)
    assert names_in(tmp_path) == []


def test_the_same_bytes_again_leave_the_first_file_alone(tmp_path: Path) -> None:
    path = place(tmp_path / "weights", lambda made: made.write_bytes(b"12"))
    before = path.stat()
    place(path, lambda made: made.write_bytes(b"12"))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names_in(tmp_path) == ["weights"]


@pytest.mark.parametrize("other", [{"weights": "b"}, {"weights": "a", "more": "x"}, {"renamed": "a"}, {}])
def test_a_folder_with_anything_else_in_it_is_refused_and_kept(tmp_path: Path, other: dict[str, str]) -> None:
    path = place(tmp_path / "step_0", lambda made: make_folder(made, weights="a"))
    with pytest.raises(ConflictError, match="step_0 holds something else"):
        place(path, lambda made: make_folder(made, **other))
    assert names_in(path) == ["weights"]
    assert (path / "weights").read_text() == "a"


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = place(tmp_path / "step_0", lambda made: made.write_bytes(b""))
    with pytest.raises(ConflictError, match="something else"):
        place(path, make_folder)
