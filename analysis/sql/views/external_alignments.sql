-- Which alignments were computed elsewhere? They are never mixed with ours.
-- left_checkpoint_id: one checkpoint.
-- right_checkpoint_id: the other.
-- dataset_id: on which items, NULL where nobody said.
-- metric: as its source calls it.
-- parameters: of the metric, JSON.
-- is_directional: whether the other direction is another number.
-- score: the value.
-- left_layer: layer of the left checkpoint that it is of, counted from 0, NULL where it has none.
-- right_layer: layer of the right checkpoint.
-- source: who says so.
-- trust: how far the source is trusted: high, medium or low.
-- recorded_at: when it was imported, UTC.
SELECT
    external.left_checkpoint_id,
    external.right_checkpoint_id,
    external.dataset_id,
    external.metric,
    external.parameters::JSON AS parameters,
    external.is_directional,
    external.score,
    external.left_layer,
    external.right_layer,
    source.name AS source,
    source.trust,
    external.recorded_at
FROM stored_external_alignment AS external
JOIN stored_source AS source ON source.id = external.source_id
LEFT JOIN stored_import_batch AS batch ON batch.id = external.batch_id
WHERE batch.retired_at IS NULL
