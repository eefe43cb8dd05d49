"""Write a report, and its figures as pictures: whole files, or none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry.errors import UsageError

if TYPE_CHECKING:
    from analysis.report.page import Page
    from registry.handle import Registry

SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class Written:
    """A report that was written.

    Attributes:
        path: the file; None where the text went elsewhere.
        html: its text.
        byte_count: its size.
        sha256: its digest.
        figures: how many figures it has.
        checkpoints: how many checkpoints it shows.
        snapshot: the number of the snapshot that it shows.
        is_stale: whether the registry has moved on since.
        pictures: the figures that were written as PNG.
    """

    path: Path | None
    html: str
    byte_count: int
    sha256: str
    figures: int
    checkpoints: int
    snapshot: int
    is_stale: bool
    pictures: tuple[Path, ...]


def write_report(
    registry: Registry,
    path: Path | None,
    *,
    targets: Sequence[str] = (),
    snapshot: str | int | None = None,
    figures: Path | None = None,
) -> Written:
    """Write a zoo's report, replacing the file as a whole, and say what is in it.

    Args:
        registry: the zoo.
        path: the file, of a suffix of HTML; None writes none.
        targets: names of the matrices of pairs to show; all if empty.
        snapshot: number or name of the snapshot; the newest if None.
        figures: a folder for each figure as PNG, made where it is missing; None for none.

    Raises:
        NotFoundError: there is no such snapshot, or it has no target of one of the names.
        UsageError: a file cannot be written there.
    """
    from analysis.report.page import build_page

    if path is not None:
        _require_html(path)
    page = build_page(registry, targets=targets, snapshot=snapshot)
    content = page.html.encode()
    if path is not None:
        write_whole(path, content)
    return Written(
        path,
        page.html,
        len(content),
        page.sha256,
        len(page.contents.figures),
        len(page.contents.checkpoints),
        page.contents.snapshot,
        page.contents.is_stale,
        () if figures is None else _write_pictures(page, figures),
    )


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a reader never sees half of it.

    Raises:
        UsageError: it cannot be written there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="choose another place with -o FILE"
        ) from error


def _require_html(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"a report is HTML, and '{path.name}' does not end so", hint=f"for example -o {path.stem}.html"
        )
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint=f"make it first: mkdir -p {path.parent}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")


def _write_pictures(page: Page, folder: Path) -> tuple[Path, ...]:
    from analysis.figures.render import to_png
    from analysis.report.pictures import smaller_png

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made: {error.strerror}", hint="choose another place with --figures FOLDER"
        ) from error
    written = []
    for figure in page.contents.figures:
        path = folder / f"{figure.slug}.png"
        write_whole(path, smaller_png(to_png(dict(figure.spec))))
        written.append(path)
    return tuple(written)
