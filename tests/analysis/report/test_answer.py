"""The answer names the best trained pair, what untrained ones reach, and how many stand above chance."""

from __future__ import annotations

from analysis.discoveries import Discoveries
from analysis.report.answer import answer_figure, answer_sentences, best_pair
from analysis.report.contents import Query
from analysis.report.crossings import Crossing
from tests.analysis.report.rows import checkpoint, pair, target

QUERY = Query("pairs_across_in_full", "SELECT 1")
LITE, TWIN = checkpoint(1, "Lite"), checkpoint(2, "twin", kind="untrained")
MINILM = checkpoint(3, "MiniLM", "language")
WORD_TWIN = checkpoint(4, "word-twin", "language", "untrained")
ALL = [LITE, TWIN, MINILM, WORD_TWIN]
PAIRS = (
    pair(LITE, MINILM, 0.5),
    pair(TWIN, MINILM, 0.6),
    pair(TWIN, WORD_TWIN, 0.45),
    pair(LITE, WORD_TWIN, 0.44),
)
MAIN = Crossing(target(), PAIRS, QUERY)
STRICT = Crossing(target(target_id=2, recipe="exclude:Word,raw"), (pair(LITE, MINILM, 0.3),), QUERY)
NOTHING = Discoveries(0.05, (), (), 1, False)


def test_the_best_trained_pair_leads_even_where_an_untrained_one_scores_higher() -> None:
    first = answer_sentences([MAIN], ALL, NOTHING)[0]
    assert "Lite \N{MULTIPLICATION SIGN} MiniLM: 0.500 [0.480, 0.520]" in first
    assert "50% of an item's 2 nearest items are the same for both" in first
    assert "p 0.050" in first


def test_the_same_pair_is_named_under_the_other_rule() -> None:
    assert "Without neighbours related by Word it is 0.300 [0.280, 0.320]." in answer_sentences(
        [MAIN, STRICT], ALL, NOTHING
    )


def test_what_untrained_networks_reach_is_said() -> None:
    assert "Two untrained networks reach at most 0.450 [0.430, 0.470]." in answer_sentences(
        [MAIN], ALL, NOTHING
    )


def test_without_a_trained_pair_the_best_of_any_leads() -> None:
    kinds = {2: "untrained", 3: "baseline", 4: "untrained"}
    assert best_pair(PAIRS[1:3], kinds) == PAIRS[1]


def test_a_pair_without_null_is_told_without_p() -> None:
    bare = pair(LITE, MINILM, 0.5, ci_low=None, ci_high=None, null_mean=None, lift=None, p=None)
    (first,) = answer_sentences([Crossing(target(), (bare,), QUERY)], [LITE, MINILM], NOTHING)
    assert "p " not in first.partition("both")[2]
    assert "[" not in first


def test_a_metric_without_neighbours_is_told_in_its_own_words() -> None:
    rsa = Crossing(
        target(metric="rsa", parameters='{"rdm": "correlation"}', chance=0.0),
        (pair(LITE, MINILM, 0.5, null_mean=0.0004, lift=1250.0),),
        QUERY,
    )
    (first,) = answer_sentences([rsa], [LITE, MINILM], NOTHING)
    assert "0.500 [0.480, 0.520]; chance gives 0.000, p 0.050." in first
    figure = answer_figure([rsa], [LITE, MINILM], ("vision", "language"))
    assert figure is not None
    assert "rsa, rdm = correlation" in figure.spec["title"]["subtitle"][0]


def test_every_pair_of_every_rule_is_a_point_and_a_row() -> None:
    figure = answer_figure([MAIN, STRICT], ALL, ("vision", "language"))
    assert figure is not None
    assert len(figure.spec["data"]["values"]) == len(figure.sheet.rows) == 5
    assert {row["group"] for row in figure.sheet.rows} == {
        "trained \N{MULTIPLICATION SIGN} trained",
        "untrained \N{MULTIPLICATION SIGN} trained",
        "untrained \N{MULTIPLICATION SIGN} untrained",
        "trained \N{MULTIPLICATION SIGN} untrained",
    }


def test_there_is_no_figure_without_pairs() -> None:
    assert answer_figure([Crossing(target(), (), QUERY)], ALL, ("vision", "language")) is None
