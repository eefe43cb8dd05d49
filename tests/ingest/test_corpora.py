"""Corpora: the same bytes for every tokenizer, whatever file holds them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.corpora import cut, read_corpus
from ingest.corpus_files import KINDS
from registry.errors import InputError, RegistryError, UsageError

DOCUMENTS = ["red cat", "naïve café — 日本語\r\n\nend", "", "x" * 40]


def write(path: Path, documents: list[str], column: str = "text") -> Path:
    if path.name.endswith(".parquet"):
        pq.write_table(pa.table({"id": list(range(len(documents))), column: documents}), path)
        return path
    lines = [json.dumps({"id": i, column: text}, ensure_ascii=i % 2 == 0) for i, text in enumerate(documents)]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


def twin(documents: list[str], count: int | None, size: int | None) -> list[str]:
    """The definition: characters are taken one by one while they fit."""
    kept: list[str] = []
    left = float("inf") if size is None else size
    for text in [text for text in documents if text][:count]:
        piece = ""
        for letter in text:
            if len((piece + letter).encode()) > left:
                break
            piece += letter
        left -= len(piece.encode())
        kept += [piece] if piece else []
        if piece != text or left == 0:
            break
    return kept


@pytest.mark.parametrize("name", ["news.jsonl", "news.jsonl.gz", "news.parquet"])
def test_the_same_texts_are_the_same_corpus_whatever_file_holds_them(tmp_path: Path, name: str) -> None:
    corpus = read_corpus(str(write(tmp_path / name, DOCUMENTS)))
    plain = read_corpus(str(write(tmp_path / "plain.jsonl", DOCUMENTS)))
    assert corpus.documents == (DOCUMENTS[0], DOCUMENTS[1], DOCUMENTS[3])
    assert corpus.byte_count == sum(len(text.encode()) for text in DOCUMENTS)
    assert (corpus.name, corpus.digest) == ("news", plain.digest)
    assert corpus.version == f"sha256:{corpus.digest[:12]}"


@pytest.mark.parametrize("name", ["book.txt", "book.txt.gz"])
def test_a_text_file_is_one_document_byte_for_byte(tmp_path: Path, name: str) -> None:
    content = DOCUMENTS[1].encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    corpus = read_corpus(str(tmp_path / name))
    assert (corpus.documents, corpus.name) == ((DOCUMENTS[1],), "book")
    assert read_corpus(str(tmp_path / name), byte_limit=5).documents == ("naïv",)


@settings(deadline=None)
@given(
    documents=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=6),
    count=st.none() | st.integers(1, 5),
    size=st.none() | st.integers(1, 30),
)
def test_documents_are_cut_by_bytes_after_whole_characters(
    documents: list[str], count: int | None, size: int | None
) -> None:
    found = list(cut(documents, document_limit=count, byte_limit=size))
    assert found == twin(documents, count, size)
    assert size is None or sum(len(text.encode()) for text in found) <= size


def test_the_reader_stops_where_the_limit_is(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"text": "abc"}) + "\nthis is never read\n")
    assert read_corpus(str(path), document_limit=1).documents == ("abc",)
    assert read_corpus(str(path), byte_limit=3).documents == ("abc",)
    assert read_corpus(str(path), byte_limit=2).documents == ("ab",)
    with pytest.raises(InputError, match="line 2 is not JSON"):
        read_corpus(str(path))


def test_limits_are_recorded_and_make_another_version(tmp_path: Path) -> None:
    path = write(tmp_path / "news.jsonl", DOCUMENTS)
    whole, part = read_corpus(str(path)), read_corpus(str(path), byte_limit=9)
    assert part.documents == ("red cat", "na")
    assert whole.version != part.version
    assert part.origin == {"corpus": str(path), "byte_limit": 9}


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"text\nhello\n", "is no corpus that can be read"),
        ("a.jsonl", b'{"text": "a"}\n{"text": ', "line 2 is not JSON"),
        ("a.jsonl", b'{"body": "a"}\n', "line 1 has no text 'text'"),
        ("a.jsonl", b'["a"]\n', "line 1 has no text 'text'"),
        ("a.jsonl", b'{"text": 3}\n', "has no text 'text', found 3"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', "half a character"),
        ("a.jsonl", b'{"text": "caf\xe9"}\n', "is not UTF-8"),
        ("a.jsonl", b"\n\n", "has no text"),
        ("a.txt", b"", "has no text"),
        ("a.txt", b"\xff\xfea\x00", "is not UTF-8"),
        ("a.txt.gz", b"not gzip", "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "abcdefgh"}')[:-12], "cannot be read"),
        ("a.parquet", b"PAR1 broken", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_corpus_is_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_corpus(str(tmp_path / name))
    assert sentence in refused.value.message
    assert "\n" not in refused.value.message
    assert refused.value.hint


def test_a_parquet_file_needs_the_column_and_a_text_in_each_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column 'text', found id, body"):
        read_corpus(str(write(tmp_path / "a.parquet", ["x"], column="body")))
    pq.write_table(pa.table({"text": ["a", None]}), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="row 2 has no text 'text', found None"):
        read_corpus(str(tmp_path / "b.parquet"))


def test_a_missing_file_and_a_limit_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_corpus(str(tmp_path / "none.txt"))
    with pytest.raises(UsageError, match="0 bytes is none"):
        read_corpus(str(tmp_path / "none.txt"), byte_limit=0)
    (tmp_path / "wide.txt").write_text("日本")
    with pytest.raises(InputError, match="has no text"):
        read_corpus(str(tmp_path / "wide.txt"), byte_limit=2)


def put_dataset(cache: Path, repository: str, documents: list[list[str]], column: str = "text") -> str:
    """Lay a data set out as the hub's client does."""
    commit = "c" * 40
    folder = cache / f"datasets--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit / "data"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    for number, part in enumerate(documents):
        write(snapshot / f"train-{number:05d}.parquet", part, column)
    return commit


def test_a_data_set_of_the_hub_comes_from_the_local_cache(hub_cache: Path) -> None:
    commit = put_dataset(hub_cache, "me/web-text", [["one", "two"], ["three"]])
    corpus = read_corpus("hf:me/web-text@main", document_limit=3)
    assert (corpus.name, corpus.documents) == ("web-text", ("one", "two", "three"))
    assert corpus.origin["commit"] == commit
    assert corpus.origin["files"] == ["data/train-00000.parquet", "data/train-00001.parquet"]
    assert read_corpus(f"hf:me/web-text@{commit}").digest == corpus.digest


def test_another_column_is_named_after_the_revision(hub_cache: Path) -> None:
    put_dataset(hub_cache, "me/web-text", [["one"]], column="body")
    assert read_corpus("hf:me/web-text@main:body").documents == ("one",)
    with pytest.raises(InputError, match="has no column 'text'") as refused:
        read_corpus("hf:me/web-text@main")
    assert "hf:ID@REVISION:COLUMN" in refused.value.hint


def test_what_is_not_in_the_cache_is_one_sentence_with_the_way_out(hub_cache: Path) -> None:
    with pytest.raises(InputError, match="me/web-text@v2 is not in the local cache") as refused:
        read_corpus("hf:me/web-text@v2")
    assert "hf download --repo-type dataset me/web-text --revision v2" in refused.value.hint


@pytest.mark.parametrize("reference", ["hf:me/web-text", "hf:@main", "hf:a/b/c@main", "hf:me/x@ma in"])
def test_a_reference_without_a_revision_means_nothing(reference: str) -> None:
    with pytest.raises(UsageError, match="is no corpus"):
        read_corpus(reference)


@pytest.fixture(scope="module")
def real_parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("real") / "whole.parquet", DOCUMENTS).read_bytes()


def damaged(whole: bytes, changes: bytes, offset: int) -> bytes:
    """A file with some bytes replaced: it gets further into a reader than noise does."""
    broken = bytearray(whole)
    for number, byte in enumerate(changes):
        broken[(offset + number * 7) % len(broken)] = byte
    return bytes(broken)


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), content=st.binary(max_size=120), offset=st.integers(0, 2**16))
def test_random_bytes_are_documents_or_one_sentence(
    tmp_path: Path, real_parquet: bytes, kind: str, content: bytes, offset: int
) -> None:
    if kind == ".parquet":
        content = damaged(real_parquet, content, offset)
    elif kind.startswith(".jsonl"):
        content = damaged(b'{"text": "red"}\n{"text": "a \\u00e9"}\n', content[:4], offset)
    path = tmp_path / f"random{kind}"
    path.write_bytes(gzip.compress(content) if kind.endswith(".gz") else content)
    try:
        corpus = read_corpus(str(path))
    except RegistryError as error:
        assert error.hint
    else:
        assert corpus.byte_count >= len(corpus.documents) >= 1
