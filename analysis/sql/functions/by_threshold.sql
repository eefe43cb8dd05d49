-- Which p are discoveries of a family however its p depend on each other?
-- by_threshold(p_values, q): the same after Benjamini and Yekutieli, which holds whatever the dependence between the p.
-- Each p counts as p m h / place, with m values in the list and h = 1 + 1/2 + ... + 1/m.
CREATE MACRO by_threshold(p_values, q) AS
    list_transform(
        list_transform(
            [{'ascending': list_sort(list_filter(p_values::DOUBLE[], lambda p: p IS NOT NULL)), 'level': q::DOUBLE}],
            lambda family: {
                'ascending': family.ascending,
                'level': family.level,
                'harmonic': list_sum(list_transform(range(1, len(family.ascending) + 1), lambda place: 1 / place))
            }
        ),
        lambda family: list_last(
            list_filter(
                family.ascending,
                lambda p, place: round(p * len(family.ascending) * family.harmonic / place, 15) <= family.level
            )
        )
    )[1]
