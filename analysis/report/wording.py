"""How a report writes numbers, pairs and modalities."""

from __future__ import annotations

from analysis.report.facts import PairFacts, TargetFacts

TIMES = "\N{MULTIPLICATION SIGN}"
NOT_THERE = "\N{MIDDLE DOT}"
THINGS = {"vision": "pictures", "language": "words", "audio": "sounds", "video": "films"}
READERS = {"vision": "sees pictures", "language": "reads words", "audio": "hears sounds"}


def score(value: float | None) -> str:
    """Return a score with three decimals."""
    return NOT_THERE if value is None else f"{value:.3f}"


def p_text(value: float | None) -> str:
    """Return a p-value with as many decimals as tell small ones apart."""
    if value is None:
        return NOT_THERE
    return f"{value:.3f}" if value >= 0.0015 else f"{value:.5f}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval in brackets, empty where there is none."""
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def things(modality: str) -> str:
    """Return what checkpoints of a modality are given: pictures, words, or the modality's own name."""
    return THINGS.get(modality, modality)


def reader(modality: str) -> str:
    """Return what checkpoints of a modality do."""
    return READERS.get(modality, modality)


def pair_name(left: str, right: str) -> str:
    """Return two names as a pair."""
    return f"{left} {TIMES} {right}"


def pair_tip(pair: PairFacts) -> str:
    """Return a pair in one line: its names, score, interval, chance and p."""
    parts = [f"{pair.score:.3f} {interval(pair.ci_low, pair.ci_high)}".strip()]
    if pair.null_mean is not None and pair.p is not None:
        parts += [f"chance {pair.null_mean:.3f}", f"p {p_text(pair.p)}"]
    layers = pair_name(pair.left_layer, pair.right_layer)
    return f"{pair_name(pair.left_name, pair.right_name)}: {', '.join(parts)} (layers {layers})"


def chance_sentence(target: TargetFacts) -> str:
    """Return what chance is for a target's scores."""
    if target.chance is None:
        return "This metric has no chance in closed form: each pair's own is in the table."
    return (
        f"Chance is {target.chance:.3f} for one pair of layers; each pair's own, of the best over all its "
        "layers, is in the table."
    )


def short_chance(target: TargetFacts) -> list[str]:
    """Return what chance is for one pair of layers as a line under a title, none where nobody knows."""
    return [] if target.chance is None else [f"Chance is {target.chance:.3f} for one pair of layers."]


def listed(names: list[str], most: int = 6) -> str:
    """Return names as a list in a sentence, the first few and how many more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, noun: str, several: str = "") -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def upper_first(text: str) -> str:
    """Return a text whose first letter is a capital, and nothing else changed."""
    return text[:1].upper() + text[1:]
