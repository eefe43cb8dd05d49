"""Read layers from Parquet files: a column of ids, and a column of vectors for each layer."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.embedding_files.parts import Array, Part, ReadOptions, broken, choose_layers, require_size
from registry.errors import EmbeddingMismatch, InputError

ID_COLUMNS = ("item_id", "id", "ids")
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError, OverflowError)


def read_parquet(path: Path, options: ReadOptions) -> list[Part]:
    """Return the one part of a Parquet file.

    Raises:
        InputError: the file is broken, has no column of ids or of vectors, or vectors of several widths.
        EmbeddingMismatch: it has another number of rows than the data set has items.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, metadata = file.schema_arrow, file.metadata
            id_column = _id_column(path, schema.names, options.id_column)
            vectors = [field.name for field in schema if _is_vector(field.type)]
            chosen = choose_layers(path, vectors, options.layers)
            if metadata.num_rows != options.item_count:
                raise EmbeddingMismatch(
                    f"{path}: expected {options.item_count} rows, one per item, found {metadata.num_rows}",
                    hint="embed every item of the data set once, in its order",
                )
            groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
            require_size(path, sum(group.total_byte_size for group in groups))
            table = file.read(columns=[*chosen, id_column])
        ids = [str(value) for value in table.column(id_column).to_pylist()]
        layers = {name: _matrix(path, name, table.column(name)) for name in chosen}
    except InputError:
        raise
    except _ERRORS as error:
        raise broken(path, "Parquet file", error) from error
    return [Part(path.stem, layers, ids)]


def _id_column(path: Path, names: list[str], given: str | None) -> str:
    known = [given] if given is not None else ID_COLUMNS
    found = next((name for name in known if name in names), None)
    if found is None:
        raise InputError(
            f"{path} has no column of ids ({', '.join(known)}), it has {', '.join(names[:5])}",
            hint="say which it is: --id-column NAME",
        )
    return found


def _is_vector(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and pa.types.is_floating(kind.value_type))


def _matrix(path: Path, name: str, column: pa.ChunkedArray) -> Array:
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        shown = ", ".join("missing" if length is None else str(length) for length in lengths[:3])
        raise InputError(
            f"{path}: the vectors of '{name}' have several widths: {shown}",
            hint="give every item a vector of the same width",
        )
    values = pc.list_flatten(column)
    if values.null_count:
        raise InputError(f"{path}: a number in '{name}' is missing", hint="fill in or leave out the layer")
    flat: Array = values.to_numpy()
    return flat.reshape(len(column), lengths[0])
