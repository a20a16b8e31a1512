import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.kafka import MAX_RECORD_BYTES
from schemas.chunks import CHUNK_BYTES, Assembly, ModelChunk, chunks_of, digest_of, digest_of_key
from schemas.envelope import CloudEvent, decode, encode
from schemas.model import from_ms

MODEL = b"pipes and what they do to pressures"


def assembled(digest: str, chunks: list[ModelChunk]) -> bytes | None:
    assembly = Assembly(digest)
    for chunk in chunks:
        assembly.add(chunk)
    return assembly.data


@given(st.binary(min_size=1, max_size=300), st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_however_it_was_cut_mixed_and_repeated_the_bytes_are_the_same(
    data: bytes, size: int, other: int, chance: random.Random
) -> None:
    strange = list(chunks_of(b"another model", 3))
    chunks = [*chunks_of(data, size), *chunks_of(data, size), *chunks_of(data, other), *strange]
    chance.shuffle(chunks)
    assert assembled(sha256(data).hexdigest(), chunks) == data


@given(st.binary(min_size=1, max_size=300), st.integers(1, 40), st.data())
def test_what_is_not_whole_is_nothing(data: bytes, size: int, choice: st.DataObject) -> None:
    chunks = list(chunks_of(data, size))
    lost = choice.draw(st.sampled_from(chunks))
    digest = digest_of(data)
    assert assembled(digest, [chunk for chunk in chunks if chunk is not lost] * 2) is None


def test_two_ways_of_cutting_do_not_mix() -> None:
    a, b = (list(chunks_of(b"abcdefghijkl", size)) for size in (4, 5))  # three chunks either way
    assert assembled(digest_of(b"abcdefghijkl"), [a[0], a[1], b[2], b[0], a[2], b[1]]) == b"abcdefghijkl"


def test_chunks_of_strangers_do_not_mix_in() -> None:
    (one, two), strange = chunks_of(b"abcdef", 3), list(chunks_of(b"ABCDEF", 3))
    assert assembled(one.model, [one, *strange, two]) == b"abcdef"
    assert assembled(one.model, [one, strange[1]]) is None


def test_a_chunk_that_is_spoilt_is_mended_by_the_one_that_is_written_again() -> None:
    digest, chunks = digest_of(MODEL), list(chunks_of(MODEL, 10))
    spoilt = chunks[1].model_copy(update={"data": b"something."})
    assert assembled(digest, [chunks[0], spoilt, *chunks[2:]]) is None
    assert assembled(digest, [chunks[0], spoilt, *chunks[2:], chunks[1]]) == MODEL


def test_keys_are_of_the_model_and_of_how_it_was_cut() -> None:
    keys = [chunk.key for size in (7, 8) for chunk in chunks_of(MODEL, size)]
    assert len(set(keys)) == len(keys)
    assert {digest_of_key(key) for key in keys} == {digest_of(MODEL)}
    assert [digest_of_key(key) for key in ("", "abc/1/0", f"{digest_of(MODEL)}/1", "/load/1")] == [None] * 4


@pytest.mark.parametrize(
    "wrong",
    [
        *({"index": 2}, {"index": -1}, {"count": 0}, {"data": b""}, {"model": "ABC"}, {"model": "0" * 63}),
        *({"data": b"123"}, {"size": 0}, {"index": 0, "data": b"1"}),
    ],
)
def test_what_is_no_chunk_is_refused(wrong: dict[str, object]) -> None:
    good = {"model": "0" * 64, "index": 1, "count": 2, "size": 2, "data": b"1"}
    ModelChunk(**good)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        ModelChunk(**(good | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"x" * 1025])
def test_no_bytes_and_too_many_are_no_model(data: bytes) -> None:
    with pytest.raises(ValueError, match="a model of"):
        list(chunks_of(data, 1))


def test_a_full_chunk_fits_into_a_record_and_comes_back() -> None:
    (chunk,) = chunks_of(random.Random(1).randbytes(CHUNK_BYTES))
    raw = encode(CloudEvent("1", "/test", from_ms(0), chunk))
    assert len(raw) < MAX_RECORD_BYTES / 2
    assert decode(raw).data == chunk
