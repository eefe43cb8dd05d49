"""How to read the numbers: each word, with this zoo's own values in it."""

from __future__ import annotations

from analysis.report.contents import Term
from analysis.report.facts import TargetFacts


def terms_of(target: TargetFacts) -> tuple[Term, ...]:
    """Return what the words of a report mean for a target."""
    return (
        Term("score", _score(target)),
        Term("chance", _chance(target)),
        Term("p", _p(target)),
        Term(
            "95 % interval",
            "score plus and minus 1.96 standard errors over the items, which share neighbours; it says how "
            "sure the score is, not how far it is from chance.",
        ),
        Term("lift", "score / chance of the same pair: 1 is nothing."),
        Term(
            "calibrated",
            f"how far the score lies above the threshold that {target.alpha:.0%} of the null exceeds, as a "
            "share of what is left up to the highest score; 0 is not above it.",
        ),
        Term(
            "cross-fitted",
            "score at layers that were chosen on other pairs of items, so that the choice does not raise it.",
        ),
    )


def _score(target: TargetFacts) -> str:
    reduced = "the highest over all pairs of layers" if target.reducer == "max" else "of the last layers"
    if target.metric == "mutual_knn":
        return (
            f"the share of an item's {target.k} nearest items that two networks agree on, mean over "
            f"{target.item_count:,} items, {reduced}: 1 is the same neighbours everywhere."
        )
    return f"{target.measure}, {reduced}."


def _chance(target: TargetFacts) -> str:
    own = (
        "what the same pair scores when the items of one network are shuffled, mean over "
        f"{target.draws:,} shuffles; the best of many layers has a higher chance than one pair of layers"
    )
    return own + (f" ({target.chance:.3f})." if target.chance is not None else ".")


def _p(target: TargetFacts) -> str:
    return (
        f"(1 + shuffles that score as high) / (1 + {target.draws:,}). It is never below "
        f"1 / {target.draws + 1:,} = {1 / (target.draws + 1):.2g}, however strong the alignment."
    )
