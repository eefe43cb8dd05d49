"""One module per kind of model: how it is built, and what its layers answer to items."""
