"""`cavewall demo`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cavewall.console import note
from cavewall.groups import Leaf
from cavewall.options import option, output_options
from cavewall.output import Output
from cavewall.progress import progress
from cavewall.rendering import Column, table_text
from registry.errors import RegistryError

if TYPE_CHECKING:
    from cavewall.demo.check import Check
    from cavewall.demo.journey import DemoZoo
    from cavewall.demo.table import Pair

PAIR_COLUMNS = [
    Column("picture", "sees pictures"),
    Column("word", "reads names"),
    Column("score", kind="score"),
    Column("ci_low", "from", "score"),
    Column("ci_high", "to", "score"),
    Column("p", kind="score"),
    Column("strict_score", "no shared word", "score"),
    Column("strict_p", "p", "score"),
    Column("picture_layer", "layer"),
    Column("word_layer", "layer of names"),
]
CHECK_COLUMNS = [Column("result"), Column("what"), Column("found")]


@click.command(cls=Leaf)
@option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("cavewall-demo"),
    show_default=True,
    help="Where the zoo is made.",
)
@option("--device", default="cpu", show_default=True, metavar="NAME", help="auto, cpu, cuda or cuda:N.")
@option("--check", is_flag=True, help="Then test that the instrument measures what it should.")
@output_options
def command(folder: Path, device: str, check: bool, output: Output) -> None:
    """Build a demo zoo of real networks, and show what they share.

    Examples:
    cavewall demo
    cavewall demo --check
    """
    from cavewall.demo.check import check_demo
    from cavewall.demo.journey import build, demo_registry
    from cavewall.demo.table import pictures_by_words, save_figure

    note(f"A demo zoo in {folder}: real networks, real pictures, real words, all from installed packages")
    with demo_registry(folder) as registry:
        with progress() as report:
            zoo = build(registry, folder, device=device, tell=_tell, report=report)
        pairs = pictures_by_words(zoo)
        files = save_figure(pairs, folder / "figures", zoo.item_count)
        checks = check_demo(zoo, pairs) if check else []
        text = "" if check else _answer(zoo, pairs)
    if check:
        _show_checks(checks, output)
        return
    rows = [vars(pair) for pair in pairs]
    output.result("demo", data=rows, rows=rows, columns=PAIR_COLUMNS, text=text)
    _show_next(folder, files)


def _tell(heading: str, line: str) -> None:
    note(f"  {heading:<12}{line}")


def _answer(zoo: DemoZoo, pairs: Sequence[Pair]) -> str:
    """Return the demo's answer: one pair of each kind, and what training adds."""
    from cavewall.demo.table import LITE0, QUESTION, shown_pairs, trained_minus_untrained

    rows = [
        {
            "pair": f"{pair.picture} x {pair.word}",
            "score": f"{pair.score:.3f} [{pair.ci_low:.3f}, {pair.ci_high:.3f}]",
            "p": pair.p,
            "strict": pair.strict_score,
            "strict_p": pair.strict_p,
        }
        for pair in shown_pairs(list(pairs))
    ]
    columns = [
        Column("pair", "pictures x names"),
        Column("score"),
        Column("p", kind="score"),
        Column("strict", "no shared word", "score"),
        Column("strict_p", "p", "score"),
    ]
    gain = trained_minus_untrained(zoo)
    return (
        f"{QUESTION}\nmutual-kNN, k = 10, chance {pairs[0].chance:.3f}; the best of many layer pairs reaches "
        f"more by chance, and p counts that\n\n{table_text(rows, columns)}\n\n"
        f"{LITE0} trained minus untrained: {gain.difference:+.3f} ± {gain.se:.3f} (paired over items)"
    )


def _show_checks(checks: Sequence[Check], output: Output) -> None:
    rows = [
        {"result": "ok" if one.passed else "FAILED", "what": one.what, "found": one.found} for one in checks
    ]
    output.rows("demo-check", rows, CHECK_COLUMNS)
    failed = [one.what for one in checks if not one.passed]
    if failed:
        raise RegistryError(
            f"{len(failed)} of {len(checks)} checks failed: {'; '.join(failed)}",
            hint="the numbers are in the table above; remove the demo's folder and build it again",
        )


def _show_next(folder: Path, files: Sequence[Path]) -> None:
    note(f"\nThe same as a picture: {', '.join(str(path) for path in files)}\n")
    note(f"Next:  cd {folder}")
    note('       cavewall sql "from alignment limit 5"      the table behind it')
    note("       cavewall trend vtab                        do better networks agree more?")
    note("       cavewall report --open                     all of it as one HTML file")
    note("       cavewall status                            what the zoo holds")
    note("       cavewall init ../myzoo                     start your own")
