"""The answer of a zoo in a few sentences and one figure: pairs across modalities, by kind of network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.discoveries import Discoveries
from analysis.figures.strip import COLOURS, Point, strip
from analysis.report.contents import Field, Figure, Sheet
from analysis.report.crossings import QUESTION, Crossing
from analysis.report.facts import KINDS, CheckpointFacts, PairFacts, TargetFacts, rule_titles
from analysis.report.sheets import LAYERS, STATISTICS, pair_row
from analysis.report.wording import (
    TIMES,
    chance_sentence,
    interval,
    p_text,
    pair_name,
    pair_tip,
    plural,
    reader,
    things,
    upper_first,
)

SMALLEST_CHANCE = 0.001  # below it a factor says nothing: many metrics have a chance of 0


def answer_sentences(
    crossings: Sequence[Crossing],
    checkpoints: Sequence[CheckpointFacts],
    discoveries: Discoveries,
) -> tuple[str, ...]:
    """Return what the pairs across two modalities say.

    Args:
        crossings: the pairs under each target, the main one first; its pairs must not be empty.
        checkpoints: those in use.
        discoveries: which of the main target's pairs stand above chance.
    """
    kinds = {checkpoint.checkpoint_id: checkpoint.kind for checkpoint in checkpoints}
    main = crossings[0]
    best = best_pair(main.pairs, kinds)
    sentences = [
        f"{_who(best, kinds)} {pair_name(best.left_name, best.right_name)}: {_said(best, main.target)}."
    ]
    titles = rule_titles([crossing.target for crossing in crossings])
    for crossing in crossings[1:]:
        same = [
            pair for pair in crossing.pairs if (pair.left_id, pair.right_id) == (best.left_id, best.right_id)
        ]
        if same:
            title = upper_first(titles[crossing.target.target_id])
            sentences.append(f"{title} it is {_number(same[0])}.")
    sentences += _of_untrained(main.pairs, kinds)
    return (*sentences, *_of_discoveries(discoveries))


def best_pair(pairs: Sequence[PairFacts], kinds: Mapping[int, str]) -> PairFacts:
    """Return the pair of two trained checkpoints that aligns most, of any two where none is trained."""
    trained = [
        pair for pair in pairs if (kinds.get(pair.left_id), kinds.get(pair.right_id)) == ("trained",) * 2
    ]
    return max(trained or pairs, key=lambda pair: (pair.score, pair.left_name, pair.right_name))


def answer_figure(
    crossings: Sequence[Crossing], checkpoints: Sequence[CheckpointFacts], modalities: tuple[str, str]
) -> Figure | None:
    """Return every pair across two modalities as a point, by the kinds of networks; None without pairs."""
    shown = [crossing for crossing in crossings if crossing.pairs][: len(COLOURS)]
    if not shown:
        return None
    kinds = {checkpoint.checkpoint_id: checkpoint.kind for checkpoint in checkpoints}
    titles = rule_titles([crossing.target for crossing in shown])
    points: list[Point] = []
    rows: list[Mapping[str, Any]] = []
    for crossing in shown:
        title = titles[crossing.target.target_id]
        for pair in crossing.pairs:
            group = _group(pair, kinds)
            points.append(Point(group, title, pair.score, pair_tip(pair)))
            rows.append({"group": group, "rule": title, **pair_row(pair)})
    target = shown[0].target
    left, right = (things(modality) for modality in modalities)
    spec = strip(
        points,
        groups=_groups(points),
        question=QUESTION if modalities == ("vision", "language") else f"Do {left} and {right} agree?",
        subtitle=[
            f"{target.item_count:,} items of {target.dataset}; {target.measure}",
            f"Each point is a network that {reader(modalities[0])} {TIMES} one that {reader(modalities[1])}.",
        ],
        value_title=f"alignment of a pair, {'best' if target.reducer == 'max' else 'last'} layers",
        chance=target.chance,
    )
    fields: tuple[Field, ...] = (
        Field("group", f"{left}, {right}"),
        Field("left", left),
        Field("right", right),
    )
    fields += (Field("rule", "rule"),) if len(shown) > 1 else ()
    caption = (
        f"Each point is a pair of networks, one that is given {left} and one that is given {right}, by how "
        f"they came to be. {chance_sentence(target)}"
    )
    caption += "" if target.chance is None else " The dashed line marks the former."
    sheet = Sheet((*fields, *STATISTICS, LAYERS), tuple(rows))
    queries = tuple(crossing.query for crossing in shown)
    return Figure(
        "answer", f"{upper_first(left)} against {right}, by kind of network", caption, spec, sheet, queries
    )


def _group(pair: PairFacts, kinds: Mapping[int, str]) -> str:
    left, right = (KINDS.get(kinds.get(side, ""), "?") for side in (pair.left_id, pair.right_id))
    return pair_name(left, right)


def _groups(points: Sequence[Point]) -> list[str]:
    """Return the groups by their highest value under the first rule, the highest first."""
    first = points[0].rule
    highest: dict[str, float] = {}
    for point in points:
        value = point.value if point.rule == first else float("-inf")
        highest[point.group] = max(value, highest.get(point.group, float("-inf")))
    return sorted(highest, key=lambda group: (-highest[group], group))


def _who(best: PairFacts, kinds: Mapping[int, str]) -> str:
    both = (kinds.get(best.left_id), kinds.get(best.right_id))
    return (
        "The trained pair that aligns most is" if both == ("trained",) * 2 else "The pair that aligns most is"
    )


def _said(pair: PairFacts, target: TargetFacts) -> str:
    """Return a score in words: what it is a share of, where the metric counts neighbours."""
    text = _number(pair)
    if target.metric == "mutual_knn":
        text += f", that is, {pair.score:.0%} of an item's {target.k} nearest items are the same for both"
    if pair.null_mean is not None:
        text += f"; {_against_chance(pair)}, p {p_text(pair.p)}"
    return text


def _against_chance(pair: PairFacts) -> str:
    """Return how a score stands to its chance: as a factor, unless chance is 0 or next to it."""
    chance = pair.null_mean or 0.0
    if pair.lift is None or chance < SMALLEST_CHANCE:
        return f"chance gives {chance:.3f}"
    return f"{pair.lift:.1f} times what chance gives ({chance:.3f})"


def _number(pair: PairFacts) -> str:
    return f"{pair.score:.3f} {interval(pair.ci_low, pair.ci_high)}".strip()


def _of_untrained(pairs: Sequence[PairFacts], kinds: Mapping[int, str]) -> list[str]:
    """Return the best pairs of networks that never learned anything: what a trained pair must exceed."""
    sentences = []
    for kind, words in (("untrained", "two untrained networks"), ("baseline", "two raw inputs")):
        own = [pair for pair in pairs if kinds.get(pair.left_id) == kind == kinds.get(pair.right_id)]
        if own:
            sentences.append(f"{words} reach at most {_number(max(own, key=lambda pair: pair.score))}")
    return [upper_first(f"{'; '.join(sentences)}.")] if sentences else []


def _of_discoveries(discoveries: Discoveries) -> list[str]:
    """Return how many pairs stand above chance when all are looked at together."""
    if not discoveries.m:
        return []
    found = (
        f"Of {plural(discoveries.m, 'pair')} looked at together, {len(discoveries.found):,} stand above "
        f"chance at a false share of {discoveries.q:.0%} (Benjamini and Hochberg)."
    )
    return [found]
