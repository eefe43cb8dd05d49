"""`cavewall zoo`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.console import note
from cavewall.groups import Noun
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, output_options
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import Column, columns_of

if TYPE_CHECKING:
    from ingest.manifests import Manifest

LIST_COLUMNS = [
    Column("name"),
    Column("vision", kind="count", blank="·"),
    Column("language", kind="count", blank="·"),
    Column("addable", kind="count"),
    Column("without_name", "without a name", "count", "·"),
    *columns_of("dataset", "title"),
]
SHOW_COLUMNS = columns_of("name", "reference", "modality", "family", "objective", "training_data", "source")
LINE_COLUMNS = [
    *columns_of("outcome", "name", "reference", "modality", "architecture"),
    Column("parameter_count", "parameters", "count"),
    Column("detail"),
]
ADDABLE = (
    "addable: has a public name, or is drawn from a seed; no commit is pinned, each is resolved when added"
)
FLOATING = (
    "~ {} of {} are floating: which commit they mean is not known here, and they cannot be embedded; "
    "the same command with access to the hub resolves them"
)


@click.group(cls=Noun)
def command() -> None:
    """Register whole lists of checkpoints: the zoos of papers."""


@command.command("list")
@db_option
@output_options
def list_(database: str | None, output: Output) -> None:
    """List the manifests that come with the program.

    Examples:
    cavewall zoo list
    cavewall zoo list --format json
    """
    from ingest.manifests import find_manifest, manifest_names

    with opened(database):  # like every list: in a zoo
        rows = [_summary(find_manifest(name)) for name in manifest_names()]
    output.rows("zoo-list", rows, LIST_COLUMNS, footer=ADDABLE, empty="no manifests")


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "vision": manifest.count("vision") or None,
        "language": manifest.count("language") or None,
        "addable": len(manifest.checkpoints),
        "without_name": manifest.unnamed_count or None,
        "dataset": manifest.dataset.name if manifest.dataset else None,
        "title": manifest.title,
    }


@command.command()
@click.argument("name", metavar="MANIFEST")
@db_option
@output_options
def show(name: str, database: str | None, output: Output) -> None:
    """Show what a manifest lists, and how it is to be embedded and aligned.

    MANIFEST is a name of `cavewall zoo list`, or a .toml file of your own.

    Examples:
    cavewall zoo show prh-val
    cavewall zoo show prh-vision-78 --format csv
    """
    from cavewall.manifest_text import manifest_text
    from ingest.manifests import find_manifest

    with opened(database):
        manifest = find_manifest(name)
    rows = [asdict(line) | {"count": 1} for line in manifest.checkpoints]
    rows += [asdict(group) | {"reference": None, "family": None} for group in manifest.unnamed]
    output.result(
        "zoo",
        data=asdict(manifest),
        rows=rows,
        columns=[*SHOW_COLUMNS, Column("count", kind="count")],
        text=manifest_text(manifest, SHOW_COLUMNS),
        is_one=True,
    )


@command.command()
@click.argument("name", metavar="MANIFEST")
@option("--only", metavar="GLOB", help="Those whose name, reference or family it matches.")
@option("--offline-ok", is_flag=True, help="Do not ask the hub: what the local cache lacks is floating.")
@dry_run_option
@db_option
@output_options
def add(
    name: str, only: str | None, offline_ok: bool, dry_run: bool, database: str | None, output: Output
) -> None:
    """Register what a manifest lists: checkpoints, data set and target.

    Each checkpoint is registered as `cavewall checkpoint add` does, with its family and what it was trained
    for and on, under the manifest's name as a tag; one that fails stops no other. The same again changes
    nothing.

    Examples:
    cavewall zoo add prh-val
    cavewall zoo add prh-vision-78 --only 'vit-*' --offline-ok --dry-run
    """
    from cavewall.adding import count_outcomes, refuse_failures
    from cavewall.manifest_adding import add_manifest, hub_not_asked, next_commands
    from cavewall.manifest_text import added_text
    from cavewall.rehearsal import rehearsal
    from ingest.manifests import chosen_lines, find_manifest

    with opened(database) as registry, hub_not_asked(is_wanted=offline_ok):
        manifest = find_manifest(name)
        listed = chosen_lines(manifest, only)
        with rehearsal(registry, is_dry=dry_run) as stage, progress() as report:
            done = add_manifest(stage, manifest, listed, report, is_dry=dry_run)
    steps = next_commands(manifest, has_items=done.has_items)
    counts = count_outcomes([line.outcome for line in done.lines])
    output.result(
        "zoo-add",
        data=asdict(done)
        | {"manifest": manifest.name, "counts": counts, "next": steps, "is_dry_run": dry_run},
        rows=[asdict(line) for line in done.lines],
        columns=LINE_COLUMNS,
        text=added_text(manifest, done, counts, is_dry=dry_run),
    )
    if done.floating_count:
        note(FLOATING.format(done.floating_count, len(done.lines)))
    if not dry_run:
        note("next:  " + "\n       ".join(steps))
    refuse_failures(counts, "checkpoints")
