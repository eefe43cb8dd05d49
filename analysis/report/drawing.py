"""A figure as SVG that belongs to its page: the page's ink and letters, its own anchors, no script."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import vl_convert

SVG = "http://www.w3.org/2000/svg"
_DRAWN = frozenset(
    {"svg", "g", "path", "rect", "line", "text", "tspan", "defs", "linearGradient", "stop", "clipPath"}
)
_DROPPED = ("role", "aria-roledescription", "aria-label", "aria-hidden", "font-family", "pointer-events")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
SCALE = 1.1  # of the drawing's own pixels: its letters are then about as large as a caption's
_USED = re.compile(r"url\(#(.+)\)")
_MARKS = re.compile(r"(^|_)rows_marks$")

ElementTree.register_namespace("", SVG)


def svg_of(spec: Mapping[str, Any], *, slug: str) -> str:
    """Return a figure as an SVG element to stand inside a page.

    Its title is left to the page, its background is the page's, and what each mark says (the `title` of the
    element) appears when the pointer rests on it, without any script. Marks of layers called `rows` are
    counted in `data-marks`.

    Args:
        spec: a Vega-Lite specification with a `description`.
        slug: unique in the page: names inside the drawing begin with it.

    Raises:
        ValueError: the drawing holds an element that has no place in it.
    """
    bare = {key: value for key, value in copy.deepcopy(dict(spec)).items() if key != "title"}
    bare["background"] = None
    bare.setdefault("config", {})["background"] = None
    bare["padding"] = 4
    root = ElementTree.fromstring(vl_convert.vegalite_to_svg(bare))  # noqa: S314 - our own renderer's
    marks = 0
    names = _names(root, slug)
    for element in list(root.iter()):  # a list: marks get children on the way
        if element.tag.removeprefix(f"{{{SVG}}}") not in _DRAWN:
            raise ValueError(f"a drawing holds a {element.tag}")
        marks += _tell_marks(element)
        _rename(element, names)
    for element in root.iter():
        _trim(element)
    for side in ("width", "height"):
        root.set(side, f"{float(root.get(side, '0')) * SCALE:.0f}")
    root.set("role", "img")
    root.set("aria-label", str(spec.get("description", "")))
    root.set("data-marks", str(marks))
    return ElementTree.tostring(root, encoding="unicode")


def _tell_marks(group: ElementTree.Element) -> int:
    """Give each mark of the layer `rows` its words, and return how many there are."""
    if not any(_MARKS.search(name) for name in group.get("class", "").split()):
        return 0
    group.set("class", "marks-of-rows")
    for mark in group:
        said = mark.get("aria-label")
        if said:
            ElementTree.SubElement(mark, f"{{{SVG}}}title").text = said
    return len(group)


def _names(root: ElementTree.Element, slug: str) -> dict[str, str]:
    """Return new names for those inside a drawing: the renderer counts on from drawing to drawing."""
    found = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    return {name: f"{slug}-{index}" for index, name in enumerate(found)}


def _rename(element: ElementTree.Element, names: Mapping[str, str]) -> None:
    for attribute, value in element.attrib.items():
        used = _USED.fullmatch(value)
        if attribute == "id":
            element.set(attribute, names[value])
        elif used is not None:
            element.set(attribute, f"url(#{names[used[1]]})")


def _trim(element: ElementTree.Element) -> None:
    """Drop what the page says better, and digits that nobody sees."""
    for name in _DROPPED:
        element.attrib.pop(name, None)
    for name in ("d", "transform"):
        if name in element.attrib:
            element.set(name, _NUMBER.sub(lambda found: f"{float(found[0]):.2f}", element.attrib[name]))
