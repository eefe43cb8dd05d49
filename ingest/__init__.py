"""From the outside world into the registry: checkpoints, data sets, embeddings, benchmark scores."""
