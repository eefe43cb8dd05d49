"""A tokenizer without a vocabulary to learn: a token is a byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"
END_OF_TEXT_ID = 256
VOCABULARY_SIZE = 257


def byte_symbols() -> list[str]:
    """Return the printable character that stands for each byte in a byte-level vocabulary.

    Printable bytes of Latin-1 stand for themselves; the others take the characters from U+0100 on, in order:
    the convention of every byte-level tokenizer since GPT-2.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    symbols, next_free = [], 0x100
    for byte in range(256):
        symbols.append(chr(byte if byte in printable else next_free))
        next_free += byte not in printable
    return symbols


def byte_tokenizer(*, longest: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose token ids are the bytes of the text, with 256 for the end of a text.

    The end of a text also begins one and pads it; it is never added by itself.

    Args:
        longest: how many tokens the model takes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {symbol: byte for byte, symbol in enumerate(byte_symbols())}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        pad_token=END_OF_TEXT,
        clean_up_tokenization_spaces=False,
        model_max_length=longest,
    )


def byte_stream(texts: Iterable[str]) -> list[int]:
    """Return the tokens of all texts in one row, with the end of a text before, between and after them."""
    stream = [END_OF_TEXT_ID]
    for text in texts:
        stream.extend(text.encode())
        stream.append(END_OF_TEXT_ID)
    return stream
