"""The demo's answer: pictures against words, as a table and as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.answers import ask
from analysis.figures.heat_map import Cell, heat_map
from analysis.figures.render import save
from analysis.queries import load
from cavewall.demo.contents import MINILM, SERIES, lite_name
from cavewall.demo.journey import DemoZoo
from compute.comparing import Compared, compare_alignments
from registry.lookup import find_checkpoint, find_target

QUESTION = "Do networks that never saw a caption see things as networks that never saw a picture?"
SUFFIXES = (".png", ".svg", ".html")
LITE0, TWIN = lite_name(0), f"{lite_name(0)}-untrained-0"
LAST_STEP = f"{SERIES}-step600"
SHOWN = (  # chosen by what they are, before anything was measured
    (LITE0, MINILM),
    (TWIN, MINILM),
    (LITE0, f"{MINILM}-untrained-0"),
    (TWIN, f"{MINILM}-untrained-0"),
    (LITE0, LAST_STEP),
    (LITE0, "tf-idf"),
    ("pixels", "tf-idf"),
)


@dataclass(frozen=True)
class Pair:
    """A picture's network and a word's network: how they align, and again without shared words.

    Attributes:
        picture: the checkpoint that sees pictures.
        word: the checkpoint that reads names.
        score: their alignment.
        ci_low: lower end of its 95 % interval.
        ci_high: upper end of it.
        p: against permuted items.
        picture_layer: the layer of the picture's network that gave the score.
        word_layer: the layer of the word's network that gave it.
        strict_score: alignment without neighbours that share a word.
        strict_p: its p.
        chance: mean of one layer pair over permutations.
    """

    picture: str
    word: str
    score: float
    ci_low: float
    ci_high: float
    p: float
    picture_layer: str
    word_layer: str
    strict_score: float
    strict_p: float
    chance: float


def pictures_by_words(zoo: DemoZoo) -> list[Pair]:
    """Return every pair of a picture's and a word's network, the highest score first."""
    found, strict = (
        ask(
            zoo.registry,
            load("pairs_across_in_full"),
            {"target_id": target.target_id, "left_modality": "vision", "right_modality": "language"},
        )
        .arrow()
        .to_pylist()
        for target in (zoo.target, zoo.strict)
    )
    with zoo.registry.read() as session:
        chance = find_target(session, zoo.target.name).chance or 0.0
    again = {(row["left_name"], row["right_name"]): row for row in strict}
    return [
        Pair(
            picture=row["left_name"],
            word=row["right_name"],
            score=row["score"],
            ci_low=row["ci_low"],
            ci_high=row["ci_high"],
            p=row["p"],
            picture_layer=row["left_layer"],
            word_layer=row["right_layer"],
            strict_score=again[row["left_name"], row["right_name"]]["score"],
            strict_p=again[row["left_name"], row["right_name"]]["p"],
            chance=chance,
        )
        for row in found
    ]


def shown_pairs(pairs: list[Pair]) -> list[Pair]:
    """Return one pair of each kind: trained, untrained, trained on spelling, counted."""
    known = {(pair.picture, pair.word): pair for pair in pairs}
    return [known[names] for names in SHOWN if names in known]


def trained_minus_untrained(zoo: DemoZoo) -> Compared:
    """Return how much more a trained picture network aligns with MiniLM than its untrained twin."""
    with zoo.registry.read() as session:
        target = find_target(session, zoo.target.name)
        partner, first, second = (find_checkpoint(session, name).id for name in (MINILM, LITE0, TWIN))
    return compare_alignments(zoo.registry, target, partner_id=partner, first_id=first, second_id=second)


def save_figure(pairs: list[Pair], folder: Path, item_count: int) -> list[Path]:
    """Draw the pairs as a heat map: PNG, SVG and an HTML page that needs no network. Return the files."""
    cells = [
        Cell(pair.picture, pair.word, pair.score, f"{pair.picture_layer} x {pair.word_layer}")
        for pair in pairs
    ]
    spec = heat_map(
        cells,
        question=QUESTION,
        subtitle=f"{item_count:,} emoji, as pictures and as names; mutual k-nearest neighbours, k = 10, "
        "best pair of layers",
        row_title="sees pictures",
        column_title="reads names",
        value_title="alignment",
        chance=pairs[0].chance,
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"pictures-x-words{suffix}" for suffix in SUFFIXES]
    for path in paths:
        save(spec, path)
    return paths
