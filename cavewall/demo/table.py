"""The demo's answer: pictures against words, as a table and as a heat map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.answers import ask
from analysis.figures.heat_map import Cell, heat_map
from analysis.figures.render import save
from analysis.queries import load
from registry.handle import Registry

QUESTION = "Do networks that never saw a caption see things as networks that never saw a picture?"
SUFFIXES = (".png", ".svg", ".html")


@dataclass(frozen=True)
class Pair:
    """A picture's network and a word's network: their score, the layers that gave it, and chance."""

    picture: str
    word: str
    score: float
    picture_layer: str
    word_layer: str
    chance: float


def pictures_by_words(registry: Registry, target_id: int) -> list[Pair]:
    """Return every pair of a picture's and a word's network of a target, the highest score first."""
    parameters = {"target_id": target_id, "left_modality": "vision", "right_modality": "language"}
    rows = ask(registry, load("modalities_across"), parameters).arrow().to_pylist()
    return [
        Pair(
            row["left_name"],
            row["right_name"],
            row["score"],
            row["left_layer_name"],
            row["right_layer_name"],
            row["chance"],
        )
        for row in rows
    ]


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
