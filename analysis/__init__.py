"""Registry to answers: snapshots, the public views, SQL in a sandbox, and figures."""
