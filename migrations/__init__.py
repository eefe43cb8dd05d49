"""The only place that changes a schema: `env.py` and one file per change in `versions`.

A wheel ships this folder as `registry.migrations`; `registry/migrate.py` finds and runs it.
"""
