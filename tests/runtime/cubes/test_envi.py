"""ENVI: every order, type and byte order; headers as vendors write them; headers that are wrong."""

import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import spectral.io.envi
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime import _errors
from focus.runtime.cubes import open_cube
from focus.runtime.cubes._envi_header import describe_header, parse_header, read_header

CubeError = _errors.CubeError
TYPES = ["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"]


@settings(deadline=None, max_examples=120)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6)),
    dtype=st.sampled_from(TYPES),
    interleave=st.sampled_from(["bil", "bip", "bsq", "BIL", "Bsq"]),
    big_endian=st.booleans(),
    offset=st.sampled_from([0, 1, 7, 512]),
    by_data=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_round_trip(write_envi, shape, dtype, interleave, big_endian, offset, by_data, seed):
    raw = np.random.default_rng(seed).integers(0, 256, np.prod(shape) * np.dtype(dtype).itemsize, dtype=np.uint8)
    values = raw.view(dtype).reshape(shape)
    with tempfile.TemporaryDirectory() as folder:
        header = write_envi(
            Path(folder, "leaf.hdr"), values, interleave=interleave.lower(), big_endian=big_endian, offset=offset
        )
        header.write_text(header.read_text().replace(f"= {interleave.lower()}", f"= {interleave}"))
        cube = open_cube(header.with_suffix(".raw") if by_data else header)
        assert isinstance(cube.values, np.memmap)
        assert cube.provenance.format == f"ENVI {interleave.upper()}"
        np.testing.assert_array_equal(np.asarray(cube.values), values)


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
def test_files_that_spectral_writes(tmp_path, values, centres, interleave, dtype):
    header = tmp_path / "leaf.hdr"
    spectral.io.envi.save_image(
        str(header),
        values.transpose(1, 2, 0).astype(dtype),
        interleave=interleave,
        metadata={"wavelength": centres.tolist(), "wavelength units": "nm", "description": "two\nlines = {here"},
    )
    cube = open_cube(header)
    assert np.array_equal(cube.values, values.astype(dtype))
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    ours, theirs = read_header(header), spectral.io.envi.read_envi_header(str(header))
    assert ours.keys() == theirs.keys()
    for key in set(theirs) - {"wavelength", "description"}:
        assert ours[key] == theirs[key]


@pytest.mark.parametrize("suffix", ["", ".raw", ".img", ".dat", ".bil", ".cube", ".IMG"])
def test_data_file_is_found_with_any_usual_suffix(tmp_path, write_envi, values, suffix):
    header = write_envi(tmp_path / "leaf.hdr", values, suffix=suffix)
    data = tmp_path / f"leaf{suffix}"
    for named in (header, data):
        cube = open_cube(named)
        assert np.array_equal(cube.values, values)
        assert Path(cube.provenance.path) == data


def test_header_may_keep_the_suffix_of_the_data_file(tmp_path, write_envi, values):
    write_envi(tmp_path / "leaf.hdr", values)
    (tmp_path / "leaf.hdr").rename(tmp_path / "leaf.raw.hdr")
    assert np.array_equal(open_cube(tmp_path / "leaf.raw").values, values)
    assert np.array_equal(open_cube(tmp_path / "leaf.raw.hdr").values, values)


def test_of_several_data_files_the_one_of_the_right_size_is_taken(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", values, suffix=".img")
    (tmp_path / "leaf.raw").write_bytes(b"notes")
    assert Path(open_cube(header).provenance.path).name == "leaf.img"
    (tmp_path / "leaf.raw").write_bytes((tmp_path / "leaf.img").read_bytes())
    with pytest.raises(CubeError, match=r"fits several data files \(leaf.raw, leaf.img\); name the data file itself"):
        open_cube(header)


@pytest.mark.parametrize("size", [0, 1, 239, 241, 1000])
def test_header_that_disagrees_with_the_size(tmp_path, write_envi, values, size):
    header = write_envi(tmp_path / "leaf.hdr", values)
    (tmp_path / "leaf.raw").write_bytes(bytes(size))
    expected = (
        rf"leaf.hdr says 4 lines x 5 samples x 6 bands of uint16 = 240 bytes, leaf.raw has {size}; "
        "copy the file again or correct the header"
    )
    with pytest.raises(CubeError, match=expected):
        open_cube(header)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nm", 1), ("Nanometers", 1), ("NANOMETRES", 1), ("{nm}", 1), ("um", 1e-3), ("µm", 1e-3), ("μm", 1e-3),
        ("Micrometers", 1e-3), ("micrometres", 1e-3), ("microns", 1e-3),
    ],
)  # fmt: skip
def test_units(tmp_path, write_envi, values, centres, unit, factor):
    fields = {"wavelength": centres * factor, "wavelength_units": unit, "fwhm": np.full(6, 5.0 * factor)}
    cube = open_cube(write_envi(tmp_path / "leaf.hdr", values, **fields))
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    np.testing.assert_allclose(cube.fwhm_nm, 5.0)


def test_a_header_in_latin_1(tmp_path, write_envi, values, centres):
    header = write_envi(tmp_path / "leaf.hdr", values, wavelength=centres / 1e3, wavelength_units="µm")
    header.write_bytes(header.read_text("utf-8").encode("latin-1"))
    np.testing.assert_allclose(open_cube(header).wavelengths_nm, centres)


@pytest.mark.parametrize("unit", ["Wavenumber", "GHz", "Index", "cm-1", "furlongs"])
def test_units_that_are_no_length_we_know(tmp_path, write_envi, values, unit):
    header = write_envi(tmp_path / "leaf.hdr", values, wavelength_units=unit)
    with pytest.raises(CubeError, match=f"leaf.hdr gives wavelengths in '{unit}', expected nm or um"):
        open_cube(header)


@pytest.mark.parametrize("unit", [None, "Unknown", "", "nm"])
def test_micrometres_without_a_unit_are_not_guessed(tmp_path, write_envi, values, centres, unit):
    header = write_envi(tmp_path / "leaf.hdr", values, wavelength=centres / 1e3, wavelength_units=unit)
    with pytest.raises(
        CubeError, match=r"leaf.raw: wavelengths must be in nanometres, got 0.45-0.9, which look like micro"
    ):
        open_cube(header)


def test_nanometres_called_micrometres(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", values, wavelength_units="um")
    with pytest.raises(CubeError, match="states wavelengths in um, yet they reach 1000, which looks like nm"):
        open_cube(header)


def test_a_missing_unit_and_byte_order_are_noted(tmp_path, write_envi, values):
    cube = open_cube(write_envi(tmp_path / "leaf.hdr", values, wavelength_units=None, byte_order=None))
    assert np.array_equal(cube.values, values)
    assert "no unit of wavelength; taken as nm" in " ".join(cube.provenance.notes)
    assert "taken as little-endian" in " ".join(cube.provenance.notes)


def test_optional_fields(tmp_path, write_envi, values):
    header = write_envi(
        tmp_path / "leaf.hdr",
        values,
        bbl=[1, 1, 0, 1, 1, 0],
        data_ignore_value="-9999",
        reflectance_scale_factor="10000.0",
        tint="12.5",
        default_bands=[6, 3, 1],
    )
    cube = open_cube(header)
    assert cube.good_bands.tolist() == [True, True, False, True, True, False]
    assert (cube.ignore_value, cube.quantity, cube.scale, cube.exposure_ms) == (-9999.0, "reflectance", 10000.0, 12.5)
    assert cube.default_bands == (5, 2, 0)
    assert cube.provenance.fields["interleave"] == "bil"


def test_without_a_scale_factor_the_quantity_is_open(tmp_path, write_envi, values):
    cube = open_cube(write_envi(tmp_path / "leaf.hdr", values.astype(np.float32)))
    assert cube.quantity is None


def test_what_only_pictures_need_does_not_stop(tmp_path, write_envi, values):
    cube = open_cube(write_envi(tmp_path / "leaf.hdr", values, default_bands=[7, 1, 1], tint="0"))
    assert cube.default_bands is None
    assert cube.exposure_ms is None
    assert any("default bands" in note for note in cube.provenance.notes)


def test_descending_bands_are_turned_round_as_a_view(tmp_path, write_envi, values, centres):
    header = write_envi(
        tmp_path / "leaf.hdr", values, wavelength=centres[::-1], fwhm=np.arange(1, 7), bbl=[0, 1, 1, 1, 1, 1],
        default_bands=[1, 2, 3],
    )  # fmt: skip
    cube = open_cube(header)
    assert isinstance(cube.values, np.memmap)
    assert np.array_equal(cube.values, values[::-1])
    assert np.array_equal(cube.wavelengths_nm, centres)
    assert cube.fwhm_nm.tolist() == [6, 5, 4, 3, 2, 1]
    assert not cube.good_bands[5]
    assert cube.default_bands == (5, 4, 3)
    assert "turned round" in cube.provenance.notes[-1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"wavelength": [400, 500, 500, 600, 700, 800]}, r"leaf.raw: .*band 2 \(from 0; 500 nm\) repeats band 1"),
        ({"wavelength": [400, 500, 450, 600, 700, 800]}, r"band 2 \(from 0; 450 nm\) falls below band 1"),
        ({"wavelength": [400, 500]}, r"one wavelength a band \(6\), got 2"),
        ({"wavelength": None}, "leaf.raw .* states no wavelengths; give them with --wavelengths"),
        ({"wavelength": "{400, x, 500}"}, r"entry 1 \(from 0\) of 'wavelength' must be a number, got 'x'"),
        ({"data_type": 6}, "data type 6 is complex"),
        ({"data_type": 9}, "data type 9 is complex"),
        ({"data_type": 7}, "data type must be one of 1, 2, 3, 4, 5, 12, 13, 14, 15, got 7"),
        ({"byte_order": 2}, r"byte order must be 0 \(little-endian\) or 1 \(big-endian\), got 2"),
        ({"interleave": "tiles"}, "interleave must be bil, bip or bsq, got 'tiles'"),
        ({"interleave": None}, "interleave must be bil, bip or bsq, got nothing"),
        ({"bands": None}, "'bands' must be a whole number, got nothing"),
        ({"lines": "four"}, "'lines' must be a whole number, got 'four'"),
        ({"samples": 0}, "'samples' must be at least 1, got 0"),
        ({"header_offset": -1}, "'header offset' must be at least 0, got -1"),
        ({"file_type": "ENVI Spectral Library"}, "of type 'ENVI Spectral Library', expected ENVI Standard"),
        ({"file_compression": 1}, "compressed ENVI files cannot be read"),
        ({"major_frame_offsets": [4, 0]}, "major frame offsets are not supported"),
        ({"bbl": [1, 1, 2, 1, 1, 1]}, r"'bbl' must hold 0 \(bad\) and 1 \(good\), got 2 at band 2"),
        ({"bbl": [1, 1]}, "'bbl' must say good or bad of each of 6 bands, got 2 numbers"),
        ({"fwhm": [1, 2]}, "one FWHM a band"),
        ({"reflectance_scale_factor": "0"}, "scale must be a positive number"),
        ({"data_ignore_value": "{1, 2}"}, "'data ignore value' must be one number, got 2"),
    ],
)
def test_headers_that_are_wrong(tmp_path, write_envi, values, fields, message):
    header = write_envi(tmp_path / "leaf.hdr", values, **fields)
    with pytest.raises(CubeError, match=message) as caught:
        open_cube(header)
    assert "\n" not in str(caught.value)


def test_wavelengths_of_the_user_replace_a_broken_table(tmp_path, write_envi, values, centres):
    header = write_envi(tmp_path / "leaf.hdr", values, wavelength="{a, b}", wavelength_units="parsec")
    np.testing.assert_allclose(open_cube(header, wavelengths_nm=centres).wavelengths_nm, centres)
    np.testing.assert_allclose(open_cube(header, wavelengths_nm="450:900").wavelengths_nm, centres)


def test_files_that_are_not_there(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", values)
    (tmp_path / "leaf.raw").unlink()
    with pytest.raises(CubeError, match=r"leaf.hdr has no data file beside it; expected one of leaf, leaf.raw"):
        open_cube(header)
    with pytest.raises(CubeError, match=r"cannot open .*none.hdr: No such file"):
        open_cube(tmp_path / "none.hdr")


def test_a_list_that_never_ends(tmp_path, write_envi, values):
    header = write_envi(tmp_path / "leaf.hdr", values)
    header.write_text(header.read_text().rstrip("}\n"))
    with pytest.raises(CubeError, match="the list of 'wavelength' is never closed; the header is cut off"):
        open_cube(header)


def test_capitals_comments_and_spaces_are_tolerated():
    fields = parse_header(
        "ENVI\r\n; Lines = 3\r\nData  Type = 4\r\nbbl={1,\r\n; no\r\n 0 } ; yes\r\nplain\r\n", "x.hdr"
    )
    assert fields == {"data type": "4", "bbl": "1,\n0"}


KEYS = [
    "samples", "lines", "bands", "data type", "interleave", "byte order", "header offset", "wavelength", "fwhm", "bbl",
    "wavelength units", "tint", "default bands", "data ignore value", "reflectance scale factor", "file type",
]  # fmt: skip
VALUES = st.one_of(
    st.integers(-3, 2**70).map(str),
    st.floats().map(str),
    st.lists(st.one_of(st.floats().map(str), st.text(max_size=3)), max_size=6).map(
        lambda items: "{" + ",".join(items) + "}"
    ),
    st.sampled_from(["bil", "bsq", "nm", "um", "", "{", "}", "{1,2", "1e999", "ENVI Standard", "4", "12"]),
    st.text(max_size=12),
)


@settings(deadline=None, max_examples=300)
@given(
    lines=st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=18),
    tail=st.text(max_size=20),
    start=st.booleans(),
)
def test_no_header_ends_in_a_traceback(lines, tail, start):
    text = "\n".join([*(["ENVI"] if start else []), *(f"{key} = {value}" for key, value in lines), tail])
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder, "leaf.hdr")
        header.write_bytes(text.encode("utf-8", "surrogatepass"))
        header.with_suffix(".raw").write_bytes(bytes(8))
        try:
            cube = open_cube(header)
        except CubeError as error:
            assert str(error)
        else:
            assert cube.values.nbytes <= 8


@settings(deadline=None, max_examples=150)
@given(content=st.binary(max_size=200))
def test_no_bytes_end_in_a_traceback(content):
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder, "leaf.hdr")
        header.write_bytes(content)
        with pytest.raises(CubeError):
            open_cube(header)
        header.write_bytes(b"ENVI\n" + content)
        with pytest.raises(CubeError):
            open_cube(header)


def test_a_sidecar_header_needs_no_layout():
    fields = parse_header("ENVI\nwavelength = {500, 600}\nwavelength units = nm\ndefault bands = {2}\n", "x.hdr")
    described = describe_header(fields, "x.hdr", None)
    assert described.bands == 2
    assert described.default_bands == (1,)


def test_a_14_gb_file_is_opened_without_reading_it(tmp_path, write_envi):
    bands, lines, samples = 224, 16000, 2000
    size = bands * lines * samples * 2
    assert size > 14e9
    header = write_envi(tmp_path / "huge.hdr", np.zeros((bands, 1, 1), np.uint16), lines=lines, samples=samples)
    os.truncate(tmp_path / "huge.raw", size)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    cube = open_cube(header)
    assert time.monotonic() - started < 2.0
    assert isinstance(cube.values, np.memmap)
    assert cube.shape == (bands, lines, samples)
    assert cube.valid(slice(9000, 9002), slice(10, 20)).all()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert (tmp_path / "huge.raw").stat().st_blocks * 512 < 2**20


def test_corn_kernel(real_file):
    path = real_file("corn-kernel-hyperspectral.raw")
    cube = open_cube(path)
    assert cube.shape == (580, 31, 43)
    assert (cube.wavelengths_nm[0], cube.wavelengths_nm[-1]) == (366.551, 1048.421)
    assert cube.quantity is None
    raw = np.fromfile(path, "<u2").reshape(31, 580, 43)
    assert np.array_equal(cube.values[:, 5], raw[5])
    assert cube.values.shape == open_cube(path.with_suffix(".hdr")).values.shape


def test_dark_reference(real_file):
    path = real_file("darkReference")
    cube = open_cube(path)
    assert cube.shape == (978, 1, 1600)
    assert cube.default_bands == (158, 252, 519)
    assert Path(open_cube(path.with_suffix(".hdr")).provenance.path) == path
    assert 0 < cube.values.mean() < 100
