-- Which p are discoveries of a family, where no more than a share q of the discoveries should be false?
-- bh_threshold(p_values, q): largest p in a list that is a discovery at level q after Benjamini and Hochberg; NULL where none is, a NULL in the list is not counted.
-- Each p counts as p m / place, with m values in the list, to 15 decimals: k / (draws + 1) on the edge is no matter of float rounding.
CREATE MACRO bh_threshold(p_values, q) AS
    list_transform(
        [{'ascending': list_sort(list_filter(p_values::DOUBLE[], lambda p: p IS NOT NULL)), 'level': q::DOUBLE}],
        lambda family: list_last(
            list_filter(
                family.ascending,
                lambda p, place: round(p * len(family.ascending) / place, 15) <= family.level
            )
        )
    )[1]
