-- Which checkpoints are there?
-- checkpoint_id: the checkpoint.
-- name: what it is called now; the start of its content key where it has no name.
-- source: timm, hf, path or baseline.
-- reference: as it was asked for.
-- revision: the commit or the digest that the reference meant when it was registered; NULL is floating.
-- modality: what it reads, for example vision or language.
-- family: checkpoints that share a recipe.
-- architecture: its architecture.
-- objective: what it was trained to do.
-- training_data: what it was trained on.
-- parameter_count: parameters, counted in the weights.
-- series: the training run that it is a point of.
-- step: training steps taken.
-- tokens_seen: tokens (or samples) seen in training.
-- seed: the seed of its weights.
-- parent_id: the checkpoint that it was made from.
-- attributes: free attributes, JSON.
-- registered_at: when it was registered, UTC.
-- retired_at: when it was retired, UTC; NULL is in use.
-- licence: under which its weights may be used.
-- tags: words that users put on it, sorted.
WITH current_names AS (
    SELECT checkpoint_id, min_by(name, id) AS name
    FROM stored_name
    WHERE ended_at IS NULL
    GROUP BY checkpoint_id
),

tags AS (
    SELECT checkpoint_id, list(tag ORDER BY tag) AS tags
    FROM stored_tag
    GROUP BY checkpoint_id
)

SELECT
    checkpoint.id AS checkpoint_id,
    coalesce(current_names.name, checkpoint.content_key[1:12]) AS name,
    checkpoint.source,
    checkpoint.reference,
    checkpoint.revision,
    checkpoint.modality,
    family.name AS family,
    checkpoint.architecture,
    checkpoint.objective,
    checkpoint.training_data,
    checkpoint.parameter_count,
    series.name AS series,
    checkpoint.step,
    checkpoint.tokens_seen,
    checkpoint.seed,
    checkpoint.parent_id,
    checkpoint.attributes::JSON AS attributes,
    checkpoint.registered_at,
    checkpoint.retired_at,
    checkpoint.licence,
    coalesce(tags.tags, []) AS tags
FROM stored_checkpoint AS checkpoint
LEFT JOIN current_names ON current_names.checkpoint_id = checkpoint.id
LEFT JOIN tags ON tags.checkpoint_id = checkpoint.id
LEFT JOIN stored_family AS family ON family.id = checkpoint.family_id
LEFT JOIN stored_series AS series ON series.id = checkpoint.series_id
