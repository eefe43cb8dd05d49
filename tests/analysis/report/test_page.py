"""The page is whole: one file, everything escaped, nothing fetched, the same for the same snapshot."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from analysis.report.page import build_page, report_html, shown
from analysis.snapshot import build_snapshot
from registry.errors import NotFoundError
from registry.handle import Registry
from tests.analysis.report.planted import (
    NASTY,
    STRICT,
    add_strict_target,
    give_items,
    give_lists,
    register_only,
    report_zoo,
)
from tests.analysis.tiny import TinyZoo
from tests.analysis.tiny_rows import ITEMS

VOID = {"meta", "img", "br"}
ITEMS_SHOWN = 3  # one of each class


def noise(seed: int) -> bytes:
    """Return a picture that no compression makes smaller."""
    pixels = np.random.default_rng(seed).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Outline(HTMLParser):
    """The elements of a page: their names, ids, links, and whether each is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name in ("src", "action", "data", "srcset", "style") or name.startswith("on"):
                self.addresses.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def zoo(sqlite_registry: Registry) -> Registry:
    report_zoo(sqlite_registry)
    return sqlite_registry


def test_every_element_is_closed_and_every_name_is_used_once(zoo: Registry) -> None:
    outline = Outline(report_html(zoo))
    assert outline.wrong == [] and outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_every_link_leads_to_a_place_in_the_page(zoo: Registry) -> None:
    outline = Outline(report_html(zoo))
    assert len(outline.links) > 10
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)


def test_nothing_is_fetched_and_no_event_runs(zoo: Registry) -> None:
    outline = Outline(report_html(zoo))
    assert outline.addresses and all(place.startswith("src=data:image/png") for place in outline.addresses)
    assert not {"link", "iframe", "object", "form", "base"} & set(outline.tags)


def test_the_policy_allows_this_script_and_this_style_and_no_request(zoo: Registry) -> None:
    html = report_html(zoo)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    policy = policy.replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_names_are_escaped_wherever_they_stand(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry)
    tiny.add(NASTY, "b")
    tiny.add(f"x{NASTY}", modality="language")
    build_snapshot(sqlite_registry)
    html = report_html(sqlite_registry)
    assert html.count("<script>") == 1
    assert "&lt;script&gt;alert" in html
    outline = Outline(html)
    assert outline.wrong == [] and outline.open == []


def test_the_same_snapshot_gives_the_same_file(zoo: Registry) -> None:
    assert build_page(zoo).sha256 == build_page(zoo).sha256


def test_every_figure_has_a_row_for_each_mark_and_its_question(zoo: Registry) -> None:
    page = build_page(zoo)
    slugs = [figure.slug for figure in page.contents.figures]
    assert slugs[:6] == ["answer", "matrix", "matrix-2", "pictures-x-words", "trend", "trend-scatter"]
    assert slugs[6:] == [f"profile-{number}" for number in range(1, 6)]
    marks = [int(count) for count in re.findall(r'data-marks="(\d+)"', page.html)]
    assert marks == [len(figure.sheet.rows) for figure in page.contents.figures]
    assert all(figure.queries and "SELECT" in figure.queries[0].sql for figure in page.contents.figures)
    assert all(figure.spec["description"] for figure in page.contents.figures)


def test_a_zoo_as_large_as_the_demo_stays_under_three_megabytes(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry)
    tiny.add(*(f"a-long-name-of-a-network-that-sees-{number}" for number in range(6)))
    tiny.add(*(f"a-long-name-of-a-network-that-reads-{number}" for number in range(6)), modality="language")
    give_items(sqlite_registry, images=[noise(position) for position in range(ITEMS)])
    give_lists(sqlite_registry)
    add_strict_target(tiny)
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert len(page.contents.checkpoints) == 12
    assert page.html.count("data:image/png") == ITEMS_SHOWN * 11
    assert len(page.html.encode()) < 3_000_000


def test_the_parts_of_a_checkpoint_say_who_is_near_and_what_it_reaches(zoo: Registry) -> None:
    parts = {part.name: part for part in build_page(zoo).contents.checkpoints}
    nearest, scores = parts["minilm"].listings
    assert [row["name"] for row in nearest.sheet.rows] == ["tf-idf", "lite", "lite-twin", "pixels"]
    assert nearest.sheet.rows[1]["score"] == 0.9
    assert [row["task"] for row in scores.sheet.rows] == [f"t{number}" for number in range(1, 7)]
    said = {term.word: term.meaning for term in parts["minilm"].identity}
    assert said["mean of tiny-tasks"].startswith("0.735 (balanced_accuracy over 6 tasks, chance 0.100)")


def test_one_target_can_be_shown_alone(zoo: Registry) -> None:
    page = build_page(zoo, targets=[STRICT])
    assert [figure.slug for figure in page.contents.figures][:3] == ["answer", "matrix", "pictures-x-words"]
    assert [row["name"] for row in page.contents.overview.targets.rows] == [STRICT]


def test_an_unknown_target_is_refused_with_the_nearest_one(zoo: Registry) -> None:
    with pytest.raises(NotFoundError) as caught:
        report_html(zoo, targets=["six/strickt"])
    assert STRICT in caught.value.hint


def test_a_checkpoint_without_embedding_says_so_in_its_cell_and_its_part(sqlite_registry: Registry) -> None:
    register_only(sqlite_registry, "bare")
    report_zoo(sqlite_registry)
    page = build_page(sqlite_registry)
    (part,) = (part for part in page.contents.checkpoints if part.name == "bare")
    assert [one.why for one in part.missing] == ["bare has no embedding of six"]
    assert part.missing[0].command == "cavewall embed extract bare"
    notes = {
        row.get("note") for row in page.contents.matrices.figures[0].sheet.rows if row.get("score") is None
    }
    assert notes == {"bare has no embedding of six"}


def test_a_stale_snapshot_says_so(zoo: Registry) -> None:
    register_only(zoo, "newer")
    html = report_html(zoo)
    assert "The registry has moved on since" in html
    assert "cavewall snapshot build" in html


def test_without_a_snapshot_there_is_one_sentence(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError) as caught:
        report_html(sqlite_registry)
    assert "cavewall snapshot build" in caught.value.hint


def test_an_empty_zoo_says_how_to_begin(sqlite_registry: Registry) -> None:
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert page.contents.figures == ()
    assert "cavewall checkpoint add REFERENCE" in page.html
    assert "cavewall target add" in page.html


def test_registered_checkpoints_without_embedding_make_a_report(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry)
    register_only(sqlite_registry, "bare")
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert page.contents.figures == ()
    assert "cavewall embed extract bare" in page.html
    assert "bare has no embedding of six" in page.html


def test_pairs_that_wait_for_their_run_make_a_report(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", done=False)
    tiny.add("x", modality="language", done=False)
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert page.contents.figures == ()
    assert "1 of 1 pairs of main" in page.html


def test_a_zoo_of_one_modality_has_its_matrix_and_profiles(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry).add("a", "b", "c")
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert [figure.slug for figure in page.contents.figures] == [
        "matrix",
        "profile-1",
        "profile-2",
        "profile-3",
    ]
    assert "no alignment across modalities" in page.html


def test_pairs_without_a_null_show_a_dot_for_p_and_the_command(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a")
    tiny.add("x", modality="language")
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    (row,) = page.contents.crossings.figures[0].sheet.rows
    assert row["p"] is None
    assert row["note"] == "no null yet: cavewall align run"


def test_pairs_of_modalities_alone_have_no_matrix(sqlite_registry: Registry) -> None:
    tiny = TinyZoo(sqlite_registry, pairs="across")
    tiny.add("a", "b")
    tiny.add("x", modality="language")
    build_snapshot(sqlite_registry)
    page = build_page(sqlite_registry)
    assert page.contents.matrices.figures == ()
    assert [figure.slug for figure in page.contents.crossings.figures] == ["pictures-x-words"]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "score", "\N{MIDDLE DOT}"),
        ("", "text", "\N{MIDDLE DOT}"),
        (0.12345, "score", "0.123"),
        (0.00199, "p", "0.002"),
        (0.0001, "p", "0.00010"),
        (1234567, "count", "1,234,567"),
        (12.34, "factor", "12.3"),
        (0, "count", "0"),
    ],
)
def test_values_are_written_as_their_kind_is(value: object, kind: str, text: str) -> None:
    assert shown(value, kind) == text
