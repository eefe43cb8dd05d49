-- Which pairs of items must not count as neighbours, where a recipe says exclude:NAME?
-- dataset_id: of which data set.
-- name: what the relation is called in a recipe.
-- rule: how it was made, JSON.
-- pair_count: unordered pairs of items that it holds.
-- largest_degree: how many other items the item with the most of them loses.
SELECT
    dataset_id,
    name,
    rule::JSON AS rule,
    pair_count,
    largest_degree
FROM stored_exclusion
