import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cavewall.demo.byte_tokenizer import END_OF_TEXT, byte_stream, byte_symbols, byte_tokenizer

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    byte_tokenizer(longest=4096).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def test_every_byte_has_a_symbol_of_its_own() -> None:
    from tokenizers.pre_tokenizers import ByteLevel

    assert len(byte_symbols()) == 256
    assert set(byte_symbols()) == set(ByteLevel.alphabet())
    assert byte_symbols()[ord("a")] == "a"
    assert byte_symbols()[ord(" ")] == "Ġ"


@given(text=st.text(max_size=60).filter(lambda text: END_OF_TEXT not in text))
@settings(deadline=None, max_examples=200)
def test_tokens_are_the_bytes_and_give_the_text_back(reloaded, text: str) -> None:  # type: ignore[no-untyped-def]
    tokens = reloaded(text)["input_ids"]
    assert tokens == list(text.encode())
    assert reloaded.decode(tokens) == text


def test_a_batch_is_padded_with_the_end_of_text(reloaded) -> None:  # type: ignore[no-untyped-def]
    batch = reloaded(["cat", "a"], padding=True)
    assert batch["input_ids"] == [[99, 97, 116], [97, 256, 256]]
    assert batch["attention_mask"] == [[1, 1, 1], [1, 0, 0]]
    assert reloaded.bos_token_id == reloaded.eos_token_id == 256
    assert len(reloaded) == 257


def test_a_stream_has_an_end_of_text_around_every_text() -> None:
    assert byte_stream(["ab", "é"]) == [256, 97, 98, 256, 0xC3, 0xA9, 256]
    assert byte_stream([]) == [256]
