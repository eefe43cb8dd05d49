"""Saving figures: four formats of one specification, and a page that asks nobody for anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.figures.heat_map import Cell, heat_map
from analysis.figures.render import save
from registry.errors import StoreError, UsageError

HOSTILE = "</script><script>alert(1)</script>"
SPEC = heat_map(
    [Cell("lite0", "minilm", 0.131), Cell("lite0", HOSTILE, None)],
    question="Do they agree & why?",
    subtitle="mutual-kNN",
    row_title="pictures",
    column_title="words",
    value_title="score",
    chance=0.01,
)


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [(".png", b"\x89PNG\r\n"), (".svg", b"<svg"), (".pdf", b"%PDF"), (".html", b"<!DOCTYPE html>")],
)
def test_a_figure_is_saved_in_the_format_of_its_suffix(tmp_path: Path, suffix: str, magic: bytes) -> None:
    save(SPEC, tmp_path / f"figure{suffix}")
    assert (tmp_path / f"figure{suffix}").read_bytes().startswith(magic)


def test_the_page_loads_nothing_and_forbids_every_request(tmp_path: Path) -> None:
    save(SPEC, tmp_path / "figure.html")
    page = (tmp_path / "figure.html").read_text()
    markup = re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)
    assert "default-src 'none'" in markup
    assert re.findall(r"""\b(?:src|href)\s*=|url\(|@import|<link|<iframe""", markup) == []
    assert markup.count("<script></script>") == 2
    assert "vegaEmbed" in page
    assert '"editor": false' in page, "the link to an editor elsewhere is off"


def test_the_page_shows_its_data_without_any_script(tmp_path: Path) -> None:
    save(SPEC, tmp_path / "figure.html")
    page = (tmp_path / "figure.html").read_text()
    assert "<title>Do they agree &amp; why?</title>" in page
    assert '<td>lite0</td><td>minilm</td><td class="number">0.131</td>' in page
    assert "not computed</td>" in page
    assert 'aria-label="Do they agree &amp; why?' in page


def test_a_name_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    save(SPEC, tmp_path / "figure.html")
    page = (tmp_path / "figure.html").read_text()
    assert HOSTILE not in page
    assert "alert(1)" in page
    assert page.count("</script>") == 2


def test_an_unknown_format_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.gif"):
        save(SPEC, tmp_path / "figure.gif")
    with pytest.raises(StoreError, match="could not be written"):
        save(SPEC, tmp_path / "nowhere" / "figure.svg")
