"""What exists: the schema, the database, identity, locks, the file store, configuration and errors."""
