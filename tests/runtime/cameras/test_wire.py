"""The wire format: round trips, every refusal, and bytes that are nearly or not at all a stream."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime._errors import CameraError, CameraLost
from focus.runtime.cameras._frame_header import FRAME_BYTES, FrameHeader, frame_header_from_bytes
from focus.runtime.cameras._stream_header import DTYPES, STREAM, StreamHeader, stream_header_from_bytes
from support.stream_inputs import DAMAGES, HEADER, LINE, a_stream, damaged, read_all

NM = st.floats(1, 1e5)


@st.composite
def headers(draw):
    bands = draw(st.integers(1, 40))
    table = st.none() | st.lists(NM, min_size=bands, max_size=bands).map(np.array)
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    kind = draw(st.sampled_from(["push-broom", "snapshot"]))
    return StreamHeader(
        bands,
        draw(st.integers(1, 2048)),
        dtype,
        draw(table),
        draw(table),
        draw(st.text(max_size=30)),
        kind,
        draw(st.integers(1, 4000)) if kind == "snapshot" else 0,
        draw(st.sampled_from(["counts", "reflectance"])),
        draw(st.floats(1e-6, 1e6)),
        draw(st.integers(0, 8 * dtype.itemsize)),
        draw(st.integers(0, 16)),
        draw(st.floats(0, 1e4)),
    )


@given(headers())
def test_a_stream_header_comes_back_as_it_was(header):
    found = stream_header_from_bytes(header.to_bytes())
    for name in StreamHeader.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(header, name), err_msg=name)


@given(
    st.builds(
        FrameHeader,
        st.integers(0, 2**64 - 1),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.booleans(),
        st.booleans(),
        st.integers(0, 2**32 - 1),
    )
)
def test_a_frame_header_comes_back_as_it_was(header):
    data = header.to_bytes()
    assert len(data) == FRAME_BYTES == 64
    assert frame_header_from_bytes(data) == header


@given(st.integers(0, FRAME_BYTES * 8 - 1))
def test_one_bit_makes_a_frame_header_none(bit):
    data = bytearray(FrameHeader(1, 2, 3, 4, 5, 30).to_bytes())
    data[bit // 8] ^= 1 << bit % 8
    assert frame_header_from_bytes(data) is None


@given(st.integers(0, len(HEADER.to_bytes()) * 8 - 1))
def test_one_bit_makes_a_stream_header_an_error(bit):
    data = bytearray(HEADER.to_bytes())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CameraError):
        stream_header_from_bytes(bytes(data))


def resealed(**changed):
    """A stream header with fields that its writer would not have written, and a checksum that is right."""
    names = "magic version kind length sample bits shift quantity bands samples lines flags named scale exposure"
    data = HEADER.to_bytes()
    fields = dict(zip(names.split(), STREAM.unpack(data[: STREAM.size]), strict=True)) | changed
    content = STREAM.pack(*fields.values()) + data[STREAM.size : -4]
    return content + struct.pack("<I", zlib.crc32(content))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"version": 2}, "the stream is of version 2, this program reads 1; update the older side"),
        ({"length": 20}, "the stream header says that it is 20 bytes long"),
        ({"length": 2**32 - 1}, "the stream header says that it is 4294967295 bytes long"),
        ({"length": 300}, "the stream header is cut short"),
        ({"bands": 4}, "length does not match its bands and name"),
        ({"named": 5}, "length does not match its bands and name"),
        ({"sample": 9}, "sample type 9, kind 0, quantity 0, not all known"),
        ({"kind": 2}, "sample type 2, kind 2, quantity 0, not all known"),
        ({"samples": 0}, "3 bands x 0 samples, expected 1 to 65536 of each"),
        ({"samples": 70_000}, "expected 1 to 65536 of each"),
        ({"bits": 17}, "17 bits shifted by 0 do not fit into uint16"),
        ({"scale": 0.0}, "the scale must be positive, got 0.0"),
        ({"scale": float("nan")}, "the scale must be positive, got nan"),
        ({"lines": 4}, "a push-broom stream cannot have 4 lines a cube"),
        ({"kind": 1}, "a snapshot stream cannot have 0 lines a cube"),
    ],
)
def test_headers_that_no_camera_sends(changed, message):
    with pytest.raises(CameraError, match=message):
        stream_header_from_bytes(resealed(**changed))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": np.dtype(np.float64)}, "a stream carries samples of uint8, uint16, int16, float32, got float64"),
        ({"wavelengths_nm": np.array([1.0, 2.0])}, "wavelengths must be 3 positive numbers in nm"),
        ({"fwhm_nm": np.array([1.0, -1.0, 3.0])}, "FWHM must be 3 positive numbers in nm"),
        ({"bits": -1}, "-1 bits shifted by 0 do not fit into uint16"),
        ({"name": "x" * 70_000}, "the name must be at most 65535 bytes long, got 70000"),
        ({"bands": 65_536, "samples": 65_536, "wavelengths_nm": None}, "a line has 8589934592 bytes, at most"),
    ],
)
def test_headers_that_cannot_be_sent(fields, message):
    with pytest.raises(ValueError, match=message):
        StreamHeader(**{"bands": 3, "samples": 5, "dtype": np.dtype("<u2"), **fields}).to_bytes()


def test_a_whole_stream():
    frames, error = read_all(a_stream())
    assert error is None
    assert [(head.sequence, intact) for head, intact, _ in frames] == [(number, True) for number in range(4)]
    assert frames[3][2] == (LINE + np.uint16(3)).tobytes()


@given(st.integers(0, len(a_stream()) - 1))
def test_a_stream_that_is_cut_anywhere_is_a_lost_camera(place):
    frames, error = read_all(a_stream()[:place])
    assert isinstance(error, CameraLost)
    assert all(intact for _, intact, _ in frames)


@given(st.integers(0, 3), st.binary(max_size=300))
def test_bytes_between_frames_cost_no_line(place, rubbish):
    start = len(HEADER.to_bytes()) + place * (64 + HEADER.line_bytes)
    whole = a_stream()
    frames, error = read_all(whole[:start] + rubbish + whole[start:])
    assert error is None and [head.sequence for head, _, _ in frames] == [0, 1, 2, 3]


CHANGES = st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 10**6), st.integers(0, 255)), max_size=6)


@settings(max_examples=500)
@given(CHANGES)
def test_a_damaged_stream_gives_intact_lines_or_an_error_of_ours(changes):
    frames, _ = read_all(damaged(a_stream(), changes))
    for head, intact, line in frames:
        # What is called intact is one of the lines that were sent, unless the damage repeated a whole frame.
        assert not intact or line == (LINE + np.uint16(head.sequence)).tobytes()


@settings(max_examples=300)
@given(st.binary(max_size=2000), st.booleans())
def test_any_bytes_end_in_an_error_of_ours(data, after_header):
    frames, error = read_all(HEADER.to_bytes() + data if after_header else data)
    assert not frames and error is not None
