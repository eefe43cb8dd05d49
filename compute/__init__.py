"""From embeddings to alignment: pure metrics, the plan of what is missing, and the runner that fills it."""
