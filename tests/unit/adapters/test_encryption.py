from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.encryption import AesGcmCipher, EncryptionKeyError, parse_key
from bot.domain.core.errors import IntegrityError

KEY = bytes(range(32))
CONTEXT = "plans/p2345678/bundle"


@given(data=st.binary(max_size=2000), context=st.text(max_size=100))
def test_what_is_sealed_opens_again_under_the_same_context(data: bytes, context: str) -> None:
    cipher = AesGcmCipher(KEY)

    sealed = cipher.seal(data, context=context)

    assert cipher.open(sealed, context=context) == data


def test_sealed_bytes_do_not_hold_the_plaintext() -> None:
    sealed = AesGcmCipher(KEY).seal(b"a database password", context=CONTEXT)

    assert b"password" not in sealed


def test_sealing_twice_never_gives_the_same_bytes() -> None:
    cipher = AesGcmCipher(KEY)

    sealed = {cipher.seal(b"same", context=CONTEXT) for _ in range(100)}

    assert len(sealed) == 100


@given(position=st.integers(min_value=0, max_value=32), bit=st.integers(min_value=0, max_value=7))
def test_any_flipped_bit_is_noticed(position: int, bit: int) -> None:
    cipher = AesGcmCipher(KEY)
    sealed = bytearray(cipher.seal(b"text", context=CONTEXT))

    sealed[position] ^= 1 << bit

    with pytest.raises(IntegrityError):
        cipher.open(bytes(sealed), context=CONTEXT)


@pytest.mark.parametrize("kept", [0, 1, 13, 28, 32])
def test_a_cut_off_value_is_noticed(kept: int) -> None:
    cipher = AesGcmCipher(KEY)
    sealed = cipher.seal(b"text", context=CONTEXT)

    with pytest.raises(IntegrityError):
        cipher.open(sealed[:kept], context=CONTEXT)


def test_a_value_moved_to_another_place_does_not_open() -> None:
    cipher = AesGcmCipher(KEY)
    sealed = cipher.seal(b"text", context=CONTEXT)

    with pytest.raises(IntegrityError, match="plans/p7777777/bundle does not open"):
        cipher.open(sealed, context="plans/p7777777/bundle")


def test_another_key_does_not_open() -> None:
    sealed = AesGcmCipher(KEY).seal(b"text", context=CONTEXT)

    with pytest.raises(IntegrityError, match="another key"):
        AesGcmCipher(KEY[::-1]).open(sealed, context=CONTEXT)


def test_a_value_of_another_format_is_named_as_such() -> None:
    sealed = AesGcmCipher(KEY).seal(b"text", context=CONTEXT)

    with pytest.raises(IntegrityError, match="not sealed by this version"):
        AesGcmCipher(KEY).open(b"\x02" + sealed[1:], context=CONTEXT)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(EncryptionKeyError, match="32 bytes"):
        AesGcmCipher(b"k" * length)


@given(key=st.binary(min_size=32, max_size=32))
def test_a_key_is_read_with_and_without_padding(key: bytes) -> None:
    text = base64.urlsafe_b64encode(key).decode()

    assert parse_key(text) == key
    assert parse_key(f"  {text.rstrip('=')}\n") == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("secret-but-far-too-short", id="short"),
        pytest.param("A" * 42, id="one character short"),
        pytest.param("A" * 45, id="too long"),
        pytest.param("+/" + "A" * 41, id="the other base64 alphabet"),
        pytest.param("A" * 20 + "\n" + "A" * 22, id="broken over two lines"),
        pytest.param("é" * 43, id="not ASCII"),
    ],
)
def test_bad_key_is_refused_with_advice_and_without_repeating_it(text: str) -> None:
    with pytest.raises(EncryptionKeyError, match="openssl rand") as caught:
        parse_key(text)

    assert text == "" or text not in str(caught.value)
