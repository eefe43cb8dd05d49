"""`cavewall report`."""

from __future__ import annotations

from pathlib import Path

import click

from cavewall.console import note, say
from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, option
from cavewall.rendering import plural

STDOUT = "-"


@click.command(cls=Leaf)
@option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="The file to write; - is stdout.",
)
@option("--open", "opens", is_flag=True, help="Then show it in a browser.")
@option(
    "--target", "targets", multiple=True, metavar="NAME", help="Show this target; may be repeated.  [all]"
)
@option("--snapshot", metavar="NAME", help="Number or name of the snapshot.  [default: the newest]")
@option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Also write each figure as PNG into this folder.",
)
@db_option
def command(
    output: str,
    opens: bool,
    targets: tuple[str, ...],
    snapshot: str | None,
    figures: Path | None,
    database: str | None,
) -> None:
    """Write the zoo as one HTML file that needs no network.

    Examples:
    cavewall report
    cavewall report -o zoo.html --figures pictures
    """
    from cavewall.reporting import write_report
    from registry.errors import UsageError

    if opens and output == STDOUT:
        raise UsageError("--open needs a file to show", hint="leave out -o - or --open")
    path = None if output == STDOUT else Path(output)
    with opened(database) as registry:
        written = write_report(registry, path, targets=targets, snapshot=snapshot, figures=figures)
    if written.path is None:
        say(written.html.rstrip("\n"))
    else:
        note(
            f"wrote {written.path}  {written.byte_count / 1e6:.1f} MB, one file, no network needed, "
            f"{plural(written.figures, 'figure')}, {plural(written.checkpoints, 'checkpoint')}, "
            f"snapshot {written.snapshot}, sha256 {written.sha256[:12]}…"
        )
    if written.pictures:
        note(f"wrote {plural(len(written.pictures), 'picture')} into {figures}")
    if written.is_stale and snapshot is None:
        note(f"the registry has changed since snapshot {written.snapshot}: cavewall snapshot build")
    if opens and written.path is not None:
        _show(written.path)


def _show(path: Path) -> None:
    """Open a file in a browser, and say where it is if there is none."""
    import webbrowser

    address = path.resolve().as_uri()
    if not webbrowser.open(address):
        note(f"no browser was found; open {address}")
