-- Which data sets are there?
-- dataset_id: the data set.
-- name: its name.
-- revision: which version of it.
-- item_count: items, n.
-- modalities: in which forms each item exists, a list.
-- pairing: one-to-one or grouped.
-- parent_id: the data set that it is a variant of.
-- order_fingerprint: digest of the item ids in their order.
-- set_fingerprint: digest of the sorted item ids.
-- licence: under which the items may be used.
-- credit: whom to name.
SELECT
    id AS dataset_id,
    name,
    revision,
    item_count,
    modalities::JSON::VARCHAR[] AS modalities,
    pairing,
    parent_id,
    order_fingerprint,
    set_fingerprint,
    licence,
    credit
FROM stored_dataset
