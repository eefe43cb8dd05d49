-- Which checkpoints does a target compare, and of which kind is each?
-- $target_id: which target.
-- checkpoint_id: the checkpoint.
-- name: what it is called now.
-- modality: what it reads.
-- family: what it shares a recipe with: its family, else its training run, else for untrained weights their architecture, else itself.
-- kind: trained, training (a point of a training run), untrained (weights never trained) or baseline (raw inputs, counted words).
-- is_trained: whether its weights come from training; the first point of a run, at step 0, does not count.
-- series: the training run that it is a point of.
-- step: training steps taken.
WITH compared AS (
    SELECT left_checkpoint_id AS checkpoint_id FROM alignment WHERE target_id = $target_id
    UNION
    SELECT right_checkpoint_id FROM alignment WHERE target_id = $target_id
),

kinds AS (
    SELECT
        checkpoint_id,
        CASE
            WHEN source = 'baseline' AND starts_with(reference, 'baseline:untrained') THEN 'untrained'
            WHEN source = 'baseline' THEN 'baseline'
            WHEN series IS NOT NULL THEN 'training'
            ELSE 'trained'
        END AS kind
    FROM checkpoints
)

SELECT
    checkpoints.checkpoint_id,
    checkpoints.name,
    checkpoints.modality,
    coalesce(
        checkpoints.family,
        checkpoints.series,
        CASE WHEN kinds.kind = 'untrained' THEN 'untrained ' || checkpoints.architecture END,
        checkpoints.name
    ) AS family,
    kinds.kind,
    kinds.kind IN ('trained', 'training') AND checkpoints.step IS DISTINCT FROM 0 AS is_trained,
    checkpoints.series,
    checkpoints.step
FROM compared
JOIN checkpoints ON checkpoints.checkpoint_id = compared.checkpoint_id
JOIN kinds ON kinds.checkpoint_id = compared.checkpoint_id
ORDER BY checkpoints.checkpoint_id
