-- How aligned is each layer of a checkpoint with its best partner of another modality (of its own, where there is no other), and what does the layer look like?
-- $target_id: which target.   $checkpoint_id: whose layers.
-- layer: position of its layer, counted from 0.
-- layer_name: what that layer is called; all layers where it is all of them at once.
-- width: dimensions of the layer.
-- partner: the checkpoint whose alignment with this one is highest.
-- score: highest alignment of the layer with any layer of the partner.
-- partner_layer: the layer of the partner that gave it, by name; all layers where it is all of them at once.
-- effective_rank: exp of the entropy of the normalised singular values, in dimensions; NULL where it was not measured.
-- mean_cosine: mean cosine of two different items.
-- in_degree_skew: skewness of how often an item is among the neighbours of another.
-- tied_rows: items of which a tie decides who is neighbour k.
WITH partner AS (
    SELECT
        pairs.embedding_id,
        pairs.other_embedding_id,
        pairs.other_checkpoint_id,
        other.name
    FROM alignment_both AS pairs
    JOIN checkpoints AS own ON own.checkpoint_id = pairs.checkpoint_id
    JOIN checkpoints AS other ON other.checkpoint_id = pairs.other_checkpoint_id
    WHERE pairs.target_id = $target_id AND pairs.checkpoint_id = $checkpoint_id
    ORDER BY own.modality = other.modality, pairs.score DESC, other.name
    LIMIT 1
),

grid AS (
    SELECT cells.left_layer AS layer, cells.right_layer AS partner_layer, cells.score
    FROM layer_alignment AS cells
    JOIN partner ON partner.other_checkpoint_id = cells.right_checkpoint_id
    WHERE cells.target_id = $target_id AND cells.left_checkpoint_id = $checkpoint_id
    UNION ALL
    SELECT cells.right_layer, cells.left_layer, cells.score
    FROM layer_alignment AS cells
    JOIN partner ON partner.other_checkpoint_id = cells.left_checkpoint_id
    JOIN targets ON targets.target_id = cells.target_id AND targets.symmetric
    WHERE cells.target_id = $target_id AND cells.right_checkpoint_id = $checkpoint_id
),

best AS (
    SELECT layer, partner_layer, score
    FROM grid
    QUALIFY row_number() OVER (PARTITION BY layer ORDER BY score DESC, partner_layer) = 1
)

SELECT
    best.layer,
    coalesce(own.layer_names[best.layer + 1], 'all layers') AS layer_name,
    coalesce(own.widths[best.layer + 1], list_sum(own.widths))::INTEGER AS width,
    partner.name AS partner,
    best.score,
    coalesce(other.layer_names[best.partner_layer + 1], 'all layers') AS partner_layer,
    stats.effective_rank,
    stats.mean_cosine,
    stats.in_degree_skew,
    stats.tied_rows
FROM best
CROSS JOIN partner
JOIN embeddings AS own ON own.embedding_id = partner.embedding_id
JOIN embeddings AS other ON other.embedding_id = partner.other_embedding_id
JOIN targets ON targets.target_id = $target_id
LEFT JOIN layer_stats AS stats
    ON stats.embedding_id = partner.embedding_id
    AND stats.recipe = targets.recipe
    AND stats.layer = best.layer
ORDER BY best.layer
