"""Files of embeddings that somebody else computed: one small reader per format."""

from ingest.embedding_files.parts import Kind, Part, ReadOptions
from ingest.embedding_files.reading import READERS, format_of, read_ids, read_parts

__all__ = ["READERS", "Kind", "Part", "ReadOptions", "format_of", "read_ids", "read_parts"]
