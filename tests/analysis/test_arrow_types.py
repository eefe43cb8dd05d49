"""Parquet columns: explicit, and the same whether a table has rows or not."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sqlalchemy import LargeBinary

from analysis.arrow_types import arrow_schema, arrow_table, arrow_type
from analysis.exports import stored_schemas
from registry.tables import Snapshot, Table

TABLES = Table.metadata.tables


def test_every_table_has_parquet_columns_and_none_is_of_type_null() -> None:
    schemas = stored_schemas()
    assert set(schemas) == set(TABLES) - {Snapshot.__tablename__, "host_rate"} | {"layer_grid"}
    assert all(field.type != pa.null() for schema in schemas.values() for field in schema)


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("checkpoint", "parameter_count", pa.int64()),
        ("checkpoint", "attributes", pa.string()),
        ("checkpoint", "registered_at", pa.timestamp("us", tz="UTC")),
        ("slot", "is_live", pa.bool_()),
        ("alignment", "score", pa.float64()),
        ("alignment", "row_slot", pa.int32()),
        ("alignment", "direction", pa.int32()),
        ("embedding", "layer_names", pa.string()),
    ],
)
def test_a_column_has_the_type_of_its_declaration(table: str, column: str, expected: pa.DataType) -> None:
    assert arrow_schema(TABLES[table]).field(column).type == expected


def test_an_empty_table_has_the_columns_of_a_full_one() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    row = (1, "align", "done", True, "here", 1, "cpu", "0", {"b": 1, "a": [1.5]}, False, moment, None)
    full, empty = arrow_table(TABLES["run"], [row]), arrow_table(TABLES["run"], [])
    assert full.schema == empty.schema == arrow_schema(TABLES["run"])
    assert full.to_pylist()[0]["counts"] == '{"a":[1.5],"b":1}'
    assert full.to_pylist()[0]["started_at"] == moment
    assert full.to_pylist()[0]["ended_at"] is None


def test_a_type_that_was_never_met_is_refused() -> None:
    with pytest.raises(ValueError, match="no Parquet type"):
        arrow_type(LargeBinary())
