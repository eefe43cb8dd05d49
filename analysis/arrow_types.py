"""The Parquet columns of every table: explicit types, so that an empty table keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import JSON, BigInteger, Boolean, DateTime, Float, Integer, String, Table
from sqlalchemy.types import TypeDecorator, TypeEngine

from registry.keys import canonical_json

# A row has a count or a score. Parts of before 0010 have neither `score` nor `direction`: NULL when read.
LAYER_GRID_SCHEMA = pa.schema(
    [
        ("target_id", pa.int32()),
        ("row_slot", pa.int32()),
        ("column_slot", pa.int32()),
        ("row_layer", pa.int16()),
        ("column_layer", pa.int16()),
        ("count", pa.int32()),
        ("score", pa.float32()),
        ("direction", pa.int8()),
    ]
)

# The first that fits counts: a BigInteger is an Integer too.
_TYPES: tuple[tuple[type[TypeEngine[Any]], pa.DataType], ...] = (
    (Boolean, pa.bool_()),
    (BigInteger, pa.int64()),
    (Integer, pa.int32()),
    (Float, pa.float64()),
    (DateTime, pa.timestamp("us", tz="UTC")),
    (JSON, pa.string()),
    (String, pa.string()),
)


def plain_type(declared: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return a column's type without the decorator that converts its values."""
    return declared.impl_instance if isinstance(declared, TypeDecorator) else declared


def arrow_type(declared: TypeEngine[Any]) -> pa.DataType:
    """Return the Parquet type of a column: times are UTC microseconds, JSON is text.

    Raises:
        ValueError: the schema has a column of a type that was never met here.
    """
    plain = plain_type(declared)
    for known, arrow in _TYPES:
        if isinstance(plain, known):
            return arrow
    raise ValueError(f"no Parquet type is chosen for columns of type {declared!r}")


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Parquet columns of a table, in the table's order."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in table.columns])


def arrow_table(table: Table, rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Return rows of a table, each with all its columns in the table's order, as Arrow."""
    schema = arrow_schema(table)
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [
        pa.array(_as_text(given) if isinstance(plain_type(column.type), JSON) else given, type=field.type)
        for column, given, field in zip(table.columns, values, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _as_text(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else canonical_json(value) for value in values]
