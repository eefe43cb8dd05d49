-- Which checkpoints are in use, and of what kind is each?
-- checkpoint_id: the checkpoint.
-- name: what it is called now.
-- modality: what it reads.
-- kind: trained, training (a point of a training run), untrained (weights that were never trained) or baseline (raw inputs, counted words).
-- source: timm, hf, path or baseline.
-- reference: as it was asked for.
-- revision: the commit or the digest that the reference meant when it was registered; NULL is floating.
-- family: checkpoints that share a recipe.
-- architecture: its architecture.
-- objective: what it was trained to do.
-- training_data: what it was trained on.
-- parameter_count: parameters, counted in the weights.
-- series: the training run that it is a point of.
-- step: training steps taken.
-- tokens_seen: tokens (or samples) seen in training.
-- seed: the seed of its weights.
-- licence: under which its weights may be used.
SELECT
    checkpoint_id,
    name,
    modality,
    CASE
        WHEN source = 'baseline' AND starts_with(reference, 'baseline:untrained') THEN 'untrained'
        WHEN source = 'baseline' THEN 'baseline'
        WHEN series IS NOT NULL THEN 'training'
        ELSE 'trained'
    END AS kind,
    source,
    reference,
    revision,
    family,
    architecture,
    objective,
    training_data,
    parameter_count,
    series,
    step,
    tokens_seen,
    seed,
    licence
FROM checkpoints
WHERE retired_at IS NULL
ORDER BY checkpoint_id
