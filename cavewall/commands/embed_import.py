"""`cavewall embed import`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cavewall.console import confirm, note
from cavewall.groups import Leaf
from cavewall.import_options import import_options
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option, yes_option
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import Column, columns_of, counts_text

if TYPE_CHECKING:
    from ingest.importing import Imported

FORMATS = ("safetensors", "npy", "npz", "parquet", "mat", "platonic-rep")
COLUMNS = [
    *columns_of("outcome", "file", "part", "checkpoint", "pooling", "shape"),
    Column("layers", kind="count"),
    *columns_of("detail", "hint"),
]


@click.command("import", cls=Leaf)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@import_options(FORMATS)
@option("--dataset", metavar="NAME", help="On which items.  [default: the only data set]")
@option("--model", metavar="REFERENCE", help="Whose; a name or a reference.  [default: what the file says]")
@option(
    "--map", "maps", multiple=True, metavar="NAME=REF", help="What a name in a file means; external:NAME too."
)
@option("--map-file", metavar="FILE", help="The same as a CSV file: name,reference.")
@option("--kind", type=click.Choice(["features", "kernel", "distances"]), default="features",
        help="What a layer is.  [default: features]")  # fmt: skip
@option("--pool", "pooling", metavar="WORD", help="How tokens became rows: cls, mean, last, max.")
@option("--layers", metavar="PATTERN", help="Which arrays are layers: 'blocks.{i}'.  [default: all]")
@option("--layer", metavar="NAME", help="What to call the only layer.")
@option("--axes", metavar="AXES", help="N,D or L,N,D or N,L,D.")
@option("--ids", metavar="FILE", help="The items of the rows, one id a line; another order is refused.")
@option("--id-column", metavar="NAME", help="The column of ids of a Parquet file.  [default: item_id or id]")
@option("--external", "has_no_weights", is_flag=True,
        help="Names that are not registered are things without weights.")  # fmt: skip
@option("--modality", type=click.Choice(["vision", "language"]), help="What a new checkpoint reads.")
@option("--in-place", is_flag=True, help="Leave the files where they are, in a place of [locations].")
@option("--replace", is_flag=True, help="Supersede other content that is there.")
@yes_option
@dry_run_option
@db_option
def command(
    files: tuple[str, ...],
    maps: tuple[str, ...],
    map_file: str | None,
    ids: str | None,
    yes: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
    **wishes: Any,
) -> None:
    """Import embeddings that somebody else computed: features, kernels or distances.

    Every model in every file stands alone: one that fails stops no other, and the same again adds nothing.

    Examples:
    cavewall embed import feats.safetensors --model dinov2-b --layers 'blocks.{i}' --pool cls
    cavewall embed import rdms.mat --kind distances --external --modality vision --dataset objects
    """
    from cavewall.adding import count_outcomes, refuse_failures
    from cavewall.import_files import named_files_and_addresses
    from cavewall.rehearsal import rehearsal
    from ingest.embedding_files import read_ids
    from ingest.embedding_files.model_names import map_from_file, map_from_options
    from ingest.importing import ImportWish, import_embeddings

    with opened(database) as registry:
        paths = named_files_and_addresses(files)
        mapping = (map_from_file(Path(map_file)) if map_file else {}) | map_from_options(maps)
        wish = ImportWish(mapping=mapping, ids=read_ids(Path(ids)) if ids else None, **wishes)
        if wish.replace and not dry_run:
            confirm(f"Import {len(paths)} files and supersede what differs?", yes=yes)
        with rehearsal(registry, is_dry=dry_run) as target, progress() as report:
            lines = import_embeddings(target, paths, wish, report)
    counts = count_outcomes([line.outcome for line in lines])
    rows = [asdict(line) for line in lines]
    output.result(
        "embed-import",
        data={"counts": counts, "lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=COLUMNS,
        text=_text(lines, counts, dry_run=dry_run),
    )
    if counts.get("added") and not dry_run:
        note("next:  cavewall align run")
    refuse_failures(counts, "embeddings")


def _text(lines: Sequence[Imported], counts: dict[str, int], *, dry_run: bool) -> str:
    text = []
    for line in lines:
        if line.outcome == "unchanged" and not line.detail:
            continue
        words = [line.outcome, Path(line.file).name]
        if line.part != Path(line.file).stem:
            words.append(line.part)
        if line.checkpoint is not None:
            words.append(f"→ {line.checkpoint}")
        words += [word for word in (line.pooling, line.shape, line.detail) if word]
        text.append("  ".join(words))
        if line.outcome == "failed" and line.hint:
            text.append(f"        {line.hint}")
    text.append(("would be: " if dry_run else "") + counts_text(counts))
    return "\n".join(text)
