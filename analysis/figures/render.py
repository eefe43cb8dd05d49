"""Save a figure: one Vega-Lite specification as PNG, SVG, PDF, or as an HTML page that needs no network."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import vl_convert

from registry.errors import StoreError, UsageError

PNG_SCALE = 2.0

# Nothing is fetched: the libraries are in the page, and the policy forbids every request. Vega compiles its
# expressions, hence 'unsafe-eval'.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'unsafe-inline' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
    )
)
_EMBED_OPTIONS = {
    "renderer": "svg",
    "actions": {"export": True, "source": False, "compiled": False, "editor": False},
}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ font: 14px/1.5 "DejaVu Sans", Verdana, sans-serif; color: #1b1b1f; background: white;
  margin: 1rem auto; max-width: 70rem; padding: 0 1rem; }}
#figure {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #ececf0; }}
td.number {{ text-align: right; }}
</style>
</head>
<body>
<main>
<div id="figure" role="img" aria-label="{description}"></div>
<p>{description}</p>
<details>
<summary>The same as a table</summary>
{table}
</details>
</main>
<script>{libraries}</script>
<script>
vegaEmbed("#figure", {spec}, {options});
</script>
</body>
</html>
"""


def save(spec: Mapping[str, Any], path: Path) -> None:
    """Save a figure in the format that the path's suffix names: .png, .svg, .pdf or .html.

    Raises:
        UsageError: the suffix is none of these.
        StoreError: the file cannot be written.
    """
    render = _FORMATS.get(path.suffix.lower())
    if render is None:
        raise UsageError(
            f"a figure cannot be saved as '{path.suffix}' ({path})", hint=f"use one of {', '.join(_FORMATS)}"
        )
    data = render(dict(spec))
    try:
        path.write_bytes(data)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error.strerror}", hint="choose another folder"
        ) from error


def to_png(spec: dict[str, Any]) -> bytes:
    """Return a figure as PNG, two pixels for each of the figure's."""
    data: bytes = vl_convert.vegalite_to_png(spec, scale=PNG_SCALE)
    return data


def to_svg(spec: dict[str, Any]) -> bytes:
    """Return a figure as SVG."""
    text: str = vl_convert.vegalite_to_svg(spec)
    return text.encode()


def to_pdf(spec: dict[str, Any]) -> bytes:
    """Return a figure as PDF."""
    data: bytes = vl_convert.vegalite_to_pdf(spec)
    return data


def to_html(spec: dict[str, Any]) -> bytes:
    """Return a figure as one HTML page with all it needs inside; its table needs no script."""
    page = _PAGE.format(
        title=html.escape(_title(spec)),
        description=html.escape(str(spec.get("description", ""))),
        table=_table(spec),
        libraries=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
        policy=_POLICY,
        options=_script_json(_EMBED_OPTIONS),
        spec=_script_json(spec),
    )
    return page.encode()


def _script_json(value: Mapping[str, Any]) -> str:
    """Return JSON that cannot end the script it stands in."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _title(spec: Mapping[str, Any]) -> str:
    return str(spec.get("usermeta", {}).get("title", "Cavewall"))


def _table(spec: Mapping[str, Any]) -> str:
    """Return the rows of a figure as an HTML table, with the columns that the specification names."""
    columns = spec.get("usermeta", {}).get("table", [])
    head = "".join(f"<th>{html.escape(title)}</th>" for _, title in columns)
    body = (
        "<tr>" + "".join(_table_cell(row.get(field)) for field, _ in columns) + "</tr>"
        for row in spec["data"]["values"]
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody>\n</table>"


def _table_cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.3f}</td>'
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"


_FORMATS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    ".png": to_png,
    ".svg": to_svg,
    ".pdf": to_pdf,
    ".html": to_html,
}
