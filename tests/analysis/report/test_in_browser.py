"""The report in a real Chromium: quiet, alone, whole without a script, on a narrow screen and in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report.page import build_page
from registry.handle import Registry
from tests.analysis.report.conftest import Open
from tests.analysis.report.planted import NASTY, register_only, report_zoo

pytestmark = pytest.mark.slow

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
ROWS_AND_MARKS = """
() => [...document.querySelectorAll("figure")].map((figure) => ({
  slug: figure.id,
  rows: figure.querySelectorAll("tbody tr").length,
  marks: figure.querySelectorAll(".marks-of-rows > *").length,
}))
"""
WIDER_THAN_THE_PAGE = """
() => [...document.querySelectorAll("details")].map((part) => { part.open = true; })
  && document.documentElement.scrollWidth - document.documentElement.clientWidth
"""


@pytest.fixture
def report(sqlite_registry: Registry, tmp_path: Path) -> Path:
    """A report on a zoo that has all parts, and a checkpoint of a nasty name without embedding."""
    register_only(sqlite_registry, NASTY)
    report_zoo(sqlite_registry)
    path = tmp_path / "report.html"
    path.write_text(build_page(sqlite_registry).html, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_complains_of_nothing_and_asks_for_nothing_but_itself(
    report: Path, visit: Open, scheme: str
) -> None:
    seen = visit(report, color_scheme=scheme)
    seen.page.wait_for_timeout(300)
    assert seen.complaints == []
    outside = [address for address in seen.requests if not address.startswith("data:image/png")]
    assert outside == [report.as_uri()]


def test_every_figure_has_as_many_marks_as_rows(report: Path, visit: Open) -> None:
    figures = visit(report).ask(ROWS_AND_MARKS)
    assert len(figures) == 11
    assert all(figure["rows"] > 0 for figure in figures)
    assert [figure for figure in figures if figure["rows"] != figure["marks"]] == []


def test_without_javascript_tables_figures_and_words_of_marks_are_there(report: Path, visit: Open) -> None:
    page = visit(report, java_script_enabled=False).page
    matrix = page.locator("#matrix")
    assert matrix.locator("svg").is_visible()
    matrix.locator("summary").first.click()
    assert matrix.locator("tbody tr").first.is_visible()
    assert "0.900" in matrix.locator("tbody").inner_text()
    assert "0.900" in " ".join(matrix.locator(".marks-of-rows title").all_text_contents())
    page.locator("#checkpoints summary", has_text="minilm").first.click()
    assert page.locator("#checkpoint-5 svg").is_visible()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_never_wider_than_the_window(report: Path, visit: Open, width: int) -> None:
    assert visit(report, width=width, height=800).ask(WIDER_THAN_THE_PAGE) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_background(report: Path, visit: Open, scheme: str) -> None:
    found = visit(report, color_scheme=scheme).ask(CONTRAST)
    assert found["count"] > 300
    assert found["found"] == []


def test_dark_mode_is_dark(report: Path, visit: Open) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert visit(report, color_scheme="light").ask(ground) == "rgb(255, 255, 255)"
    assert visit(report, color_scheme="dark").ask(ground) == "rgb(23, 24, 28)"


def test_the_pointer_is_told_what_a_mark_is(report: Path, visit: Open) -> None:
    page = visit(report).page
    mark = page.locator("#matrix .marks-of-rows > *").first
    mark.scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # scrolling hides what the pointer was told
    mark.hover()
    assert page.locator("#tip").is_visible()
    assert "layers" in page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()


@pytest.mark.parametrize("has_script", [True, False])
def test_a_link_to_a_checkpoint_opens_its_part(report: Path, visit: Open, has_script: bool) -> None:
    page = visit(report, fragment="#checkpoint-5", java_script_enabled=has_script).page
    assert page.locator("#checkpoint-5 dt").first.is_visible()


def test_everything_can_be_reached_by_keyboard(report: Path, visit: Open) -> None:
    seen = visit(report)
    reached = set()
    for _ in range(400):
        seen.page.keyboard.press("Tab")
        where = seen.ask(
            "() => { const at = document.activeElement; const box = at.closest('figure, nav, section');"
            " return [at.tagName, at.className, box ? box.id || box.tagName : ''].join(' '); }"
        )
        if where in reached and where.startswith("BODY"):
            break
        reached.add(where)
    for wanted in ("A skip ", "A  NAV", "DIV drawing scroll matrix", "SUMMARY  matrix", "A permalink matrix"):
        assert wanted in reached, wanted
    assert "DIV scroll overview" in reached  # a table that may have to be scrolled


def test_a_print_shows_every_checkpoint(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.emulate_media(media="print")
    assert page.locator("#checkpoint-5 dt").first.is_visible()
    assert not page.locator("nav").is_visible()
