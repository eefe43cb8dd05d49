"""Text corpora: documents in a fixed order, cut by bytes before any tokenizer sees them.

A document is a whole .txt file, a line of .jsonl (its `text`) or a row of .parquet (its column `text`); the
first two also as .gz. `hf:ID@REVISION[:COLUMN]` is a data set of the hub in the local cache: its files of the
first of these kinds that it has, ordered by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.corpus_files import KINDS, documents_of, kind_of
from ingest.hub import cache_folder
from ingest.models_extra import require_models
from ingest.references import safe_name
from registry.errors import InputError, UsageError
from registry.keys import canonical_json, sha256_of_bytes

HUB = "hf:"
DEFAULT_COLUMN = "text"
_HUB_CORPUS = re.compile(r"hf:(?P<id>[\w.\-]+(?:/[\w.\-]+)?)@(?P<revision>[^\s:@]+)(?::(?P<column>\S+))?")
_NAMED_FILES = 20  # more are counted


@dataclass(frozen=True)
class Corpus:
    """Documents, and where they come from.

    Attributes:
        name: what the benchmark's task is called.
        documents: in their order; each has at least one byte.
        digest: SHA-256 over the documents; equal for the same texts, whatever file held them.
        byte_count: of all documents in UTF-8.
        origin: the reference as given, the limits, and what they resolved to.
    """

    name: str
    documents: tuple[str, ...]
    digest: str
    byte_count: int
    origin: dict[str, object]

    @property
    def version(self) -> str:
        """Return the version of the benchmark that the corpus is: the beginning of its digest."""
        return f"sha256:{self.digest[:12]}"


def read_corpus(
    reference: str, *, document_limit: int | None = None, byte_limit: int | None = None
) -> Corpus:
    """Return the documents of a corpus, the first ones where a limit is given.

    Documents without a byte are left out. Where the limit of bytes falls into a document, that is cut after
    the last character that fits whole, so that every tokenizer gets the same bytes.

    Args:
        reference: a file, or `hf:ID@REVISION[:COLUMN]`.
        document_limit: how many documents at most.
        byte_limit: how many bytes of UTF-8 at most.

    Raises:
        UsageError: the reference means nothing, or a limit leaves nothing.
        InputError: the file is missing, is of another kind, is broken, or has no text; or the data set is not
            in the local cache.
    """
    for limit, what in ((document_limit, "documents"), (byte_limit, "bytes")):
        if limit is not None and limit < 1:
            raise UsageError(f"a corpus of {limit} {what} is none", hint="give a number from 1 on")
    name, paths, column, found = _located(reference)
    pieces = (text for path in paths for text in documents_of(path, column, longest=byte_limit))
    documents = tuple(cut(pieces, document_limit=document_limit, byte_limit=byte_limit))
    if not documents:
        raise InputError(
            f"corpus {reference} has no text", hint="give a file with at least one document, or more --bytes"
        )
    limits = {"document_limit": document_limit, "byte_limit": byte_limit}
    origin = {"corpus": reference, **found, **{key: value for key, value in limits.items() if value}}
    return Corpus(
        name=name,
        documents=documents,
        digest=sha256_of_bytes(canonical_json(documents).encode()),
        byte_count=sum(len(text.encode()) for text in documents),
        origin=origin,
    )


def cut(
    documents: Iterable[str], *, document_limit: int | None = None, byte_limit: int | None = None
) -> Iterator[str]:
    """Yield documents up to a limit; the last one ends with the last character that fits whole.

    Args:
        documents: in their order; those without a byte are left out and not counted.
        document_limit: how many at most.
        byte_limit: how many bytes of UTF-8 at most.
    """
    count, left = 0, byte_limit
    for text in documents:
        if not text:
            continue
        size = len(text.encode())
        if left is not None and size > left:
            shorter = text.encode()[:left].decode("utf-8", errors="ignore")  # only the cut end can be broken
            if shorter:
                yield shorter
            return
        yield text
        count += 1
        left = None if left is None else left - size
        if count == document_limit or left == 0:  # looked at here: no document more is read than is needed
            return


def _located(reference: str) -> tuple[str, list[Path], str, dict[str, object]]:
    """Return the name of a corpus, its files, the column of its texts, and what is recorded of that."""
    if reference.startswith(HUB):
        return _in_cache(reference)
    path = Path(reference).expanduser()
    if not path.is_file():
        raise InputError(f"corpus {path}: no such file", hint=f"give a file that ends in {', '.join(KINDS)}")
    kind = kind_of(path)
    return safe_name(path.name.removesuffix(kind)), [path], DEFAULT_COLUMN, {}


def _in_cache(reference: str) -> tuple[str, list[Path], str, dict[str, object]]:
    match = _HUB_CORPUS.fullmatch(reference)
    if match is None:
        raise UsageError(
            f"'{reference}' is no corpus", hint="write a file, or hf:ID@REVISION[:COLUMN] with a revision"
        )
    repository, revision = match["id"], match["revision"]
    folder = _snapshot(repository, revision)
    for kind in KINDS:
        paths = sorted(folder.rglob(f"*{kind}"), key=lambda path: path.relative_to(folder).as_posix())
        if paths:
            break
    else:
        raise InputError(
            f"{reference}: the local copy has no text that can be read", hint=f"expected {', '.join(KINDS)}"
        )
    names = [path.relative_to(folder).as_posix() for path in paths]
    found: dict[str, object] = {
        "commit": folder.name,
        "files": names[:_NAMED_FILES],
        "file_count": len(names),
    }
    return safe_name(repository.rpartition("/")[2]), paths, match["column"] or DEFAULT_COLUMN, found


def _snapshot(repository: str, revision: str) -> Path:
    """Return the local folder of a data set at a revision; a corpus is large, and never fetched unasked."""
    require_models("reading a data set of the hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            repository,
            repo_type="dataset",
            revision=revision,
            cache_dir=cache_folder(),
            local_files_only=True,
        )
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(
            f"the data set {repository}@{revision} is not in the local cache",
            hint=f"fetch it once: hf download --repo-type dataset {repository} --revision {revision}",
        ) from error
    return Path(folder)
