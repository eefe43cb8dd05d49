"""A drawing belongs to its page: no script, no name that another drawing has, every mark with its words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from analysis.figures.heat_panels import PanelCell, heat_panels
from analysis.report import drawing
from analysis.report.drawing import SVG, svg_of
from tests.analysis.report.planted import NASTY

CELLS = [
    PanelCell("p", "a", "x", 0.25, f"a x: {NASTY}"),
    PanelCell("p", "b", "x", None, "b has no embedding"),
]


def spec(cells: list[PanelCell] = CELLS) -> dict[str, object]:
    return heat_panels(
        cells,
        rows=["a", "b"],
        columns=["x"],
        question="What is near?",
        subtitle=["six items"],
        row_title="",
        column_title="",
        value_title="alignment",
    )


def drawn(slug: str = "one") -> ElementTree.Element:
    return ElementTree.fromstring(svg_of(spec(), slug=slug))  # noqa: S314 - what is tested wrote it


def test_every_mark_says_what_it_is_without_a_script() -> None:
    groups = [group for group in drawn().iter(f"{{{SVG}}}g") if group.get("class") == "marks-of-rows"]
    marks = [mark for group in groups for mark in group]
    assert [mark.findtext(f"{{{SVG}}}title") for mark in marks] == [f"a x: {NASTY}", "b has no embedding"]
    assert drawn().get("data-marks") == "2"


def test_the_drawing_is_an_image_with_its_description() -> None:
    assert drawn().get("role") == "img"
    assert "What is near?" in drawn().get("aria-label", "")


def test_the_title_is_left_to_the_page() -> None:
    assert "What is near?" not in [text.text for text in drawn().iter(f"{{{SVG}}}text")]


def test_names_inside_two_drawings_differ() -> None:
    names = [{node.get("id") for node in drawn(slug).iter() if node.get("id")} for slug in ("one", "two")]
    assert names[0] and names[1] and not names[0] & names[1]
    used = [
        value for node in drawn("two").iter() for value in node.attrib.values() if value.startswith("url(")
    ]
    assert used and all(value[5:-1] in names[1] for value in used)


def test_markup_in_a_name_stays_text() -> None:
    text = svg_of(spec(), slug="one")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_drawing_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        drawing.vl_convert, "vegalite_to_svg", lambda _: f'<svg xmlns="{SVG}"><script>alert(1)</script></svg>'
    )
    with pytest.raises(ValueError, match="script"):
        svg_of(spec(), slug="one")
