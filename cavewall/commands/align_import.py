"""`cavewall align import`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cavewall.groups import Leaf
from cavewall.import_options import import_options
from cavewall.opening import opened
from cavewall.options import db_option, dry_run_option, option
from cavewall.output import Output
from cavewall.rendering import Column, columns_of
from registry.errors import PartlyDone, RegistryError

FORMATS = ("platonic-rep-alignment",)
COLUMNS = [
    *columns_of("outcome", "file"),
    *(Column(name, kind="count") for name in ("added", "unchanged", "same_model", "refused")),
    *columns_of("detail", "hint"),
]


@click.command("import", cls=Leaf)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@import_options(FORMATS)
@option("--x-models", metavar="FILE", required=True, help="The models of the rows of `scores`, one a line.")
@option("--y-models", metavar="FILE", help="Those of its columns.  [default: the same]")
@option("--dataset", metavar="NAME", help="On which items.  [default: unknown]")
@option("--source", metavar="NAME", default="platonic-rep", help="Who says so.  [default: platonic-rep]")
@option("--trust-pickle", is_flag=True, allow_from_autoenv=False,
        help="Run what is pickled in the files; only if you trust their source.")  # fmt: skip
@dry_run_option
@db_option
def command(
    files: tuple[str, ...],
    file_format: str | None,  # noqa: ARG001  there is one so far
    x_models: str,
    y_models: str | None,
    dataset: str | None,
    source: str,
    trust_pickle: bool,
    dry_run: bool,
    database: str | None,
    output: Output,
) -> None:
    """Import alignments that somebody else computed; they stay apart from ours.

    Examples:
    cavewall align import mutual_knn_k10.npy --x-models language.txt --y-models vision.txt --trust-pickle
    cavewall align import results/*.npy --format platonic-rep-alignment --x-models vision.txt --trust-pickle
    """
    from cavewall.import_files import named_files
    from cavewall.rehearsal import rehearsal
    from ingest.embedding_files import read_ids
    from ingest.external_alignments import AlignmentWish, import_alignments
    from ingest.score_sources import SourceDescription

    rows: list[dict[str, object]] = []
    with opened(database) as registry, rehearsal(registry, is_dry=dry_run) as target:
        rows_of = read_ids(Path(x_models))
        columns_of_ = read_ids(Path(y_models)) if y_models else rows_of
        said = SourceDescription(source, "harness run")
        wish = AlignmentWish(rows_of, columns_of_, dataset, said, trust_pickle)
        paths = named_files(files)
        for path in paths:
            try:
                rows.append({"outcome": "done", **asdict(import_alignments(target, path, wish))})
            except RegistryError as error:
                if len(paths) == 1:
                    raise
                rows.append(
                    {"outcome": "failed", "file": str(path), "detail": error.message, "hint": error.hint}
                )
    output.result(
        "align-import",
        data={"lines": rows, "is_dry_run": dry_run},
        rows=rows,
        columns=COLUMNS,
        text="\n".join(_line(row, dry_run=dry_run) for row in rows),
    )
    failed = sum(row["outcome"] == "failed" for row in rows)
    if failed:
        raise PartlyDone(
            f"{failed} of {len(rows)} files failed, the rest is committed",
            hint="the reasons are above; the same command again adds only what is missing",
        )


def _line(row: dict[str, object], *, dry_run: bool) -> str:
    if row["outcome"] == "failed":
        return f"failed  {row['detail']}\n        {row['hint']}"
    words = [f"added {row['added']}"]
    words += [
        f"{word} {row[key]}" for word, key in (("unchanged", "unchanged"), ("refused", "refused")) if row[key]
    ]
    itself = f", {row['same_model']} of a model with itself left out" if row["same_model"] else ""
    return f"{'would be: ' if dry_run else ''}{', '.join(words)}{itself}  {Path(str(row['file'])).name}"
