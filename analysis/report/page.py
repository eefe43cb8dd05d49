"""A report as one HTML file that asks for nothing: style, script, drawings and pictures are inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from analysis.report.contents import Contents, Figure, Query
from analysis.report.drawing import svg_of
from analysis.report.gathering import gather
from analysis.report.wording import NOT_THERE, p_text, score
from registry.handle import Registry

TEMPLATES = "templates"


@dataclass(frozen=True)
class Page:
    """A whole report, and what is in it.

    Attributes:
        html: the file's text.
        contents: what it shows.
    """

    html: str
    contents: Contents

    @property
    def sha256(self) -> str:
        """Return the digest of the file."""
        return hashlib.sha256(self.html.encode()).hexdigest()


def report_html(registry: Registry, *, targets: Sequence[str] = (), snapshot: str | int | None = None) -> str:
    """Return a zoo's report as one HTML file that needs no network.

    The same snapshot gives the same text, unless the registry has moved on: then it says so.

    Args:
        registry: the zoo.
        targets: names of the matrices of pairs to show; all if empty.
        snapshot: number or name of the snapshot; the newest if None.

    Raises:
        NotFoundError: there is no such snapshot, or it has no target of one of the names.
    """
    return build_page(registry, targets=targets, snapshot=snapshot).html


def build_page(registry: Registry, *, targets: Sequence[str] = (), snapshot: str | int | None = None) -> Page:
    """Return a zoo's report with what is in it; arguments and errors as in `report_html`."""
    contents = gather(registry, targets=targets, snapshot=snapshot)
    return Page(render(contents), contents)


def render(contents: Contents) -> str:
    """Return the HTML of a report's contents."""
    style, script = _text("style.css"), _text("script.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=contents,
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            policy=_policy(style, script),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.filters["parameters"] = _parameters
    environment.filters["drawn"] = _drawn
    return environment


def shown(value: Any, kind: str) -> str:
    """Return a value of a table as its kind is written."""
    if value is None or value == "":
        return NOT_THERE
    if kind == "score":
        return score(value)
    if kind == "p":
        return p_text(value)
    if kind == "count":
        return f"{value:,}"
    if kind in ("factor", "decimal"):
        return f"{value:.1f}"
    return str(value)


def _drawn(figure: Figure) -> Markup:
    return Markup(svg_of(figure.spec, slug=figure.slug))  # noqa: S704 - serialised, every text escaped


def _parameters(query: Query) -> str:
    """Return what a question's parameters were, as a comment of SQL."""
    values: Mapping[str, Any] = query.parameters
    said = ", ".join(f"${name} = {value!r}" for name, value in values.items())
    return f"-- here: {said}" if said else ""


def _policy(style: str, script: str) -> str:
    """Return the content security policy: this style, this script, pictures inside the page, no request."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_source(style)}'",
            f"script-src '{_source(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _text(name: str) -> str:
    return files("analysis.report").joinpath(TEMPLATES, name).read_text(encoding="utf-8")
