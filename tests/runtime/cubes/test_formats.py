"""TIFF, MATLAB, NPY, NPZ, NetCDF and HDF5: values, axes and wavelengths come back; what is unclear is refused."""

import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime._errors import CubeError, OutputError
from focus.runtime.cubes import Cube, open_cube, write_npz
from focus.runtime.cubes import _describe as describe

ORDERS = ["chw", "cwh", "hcw", "hwc", "wch", "whc"]


def stored(values, order):
    """Values [C, H, W] as a file with another order of axes holds them."""
    return np.ascontiguousarray(values.transpose(["chw".index(axis) for axis in order]))


def write_table(path, centres):
    path.write_text("band,wavelength_nm,fwhm\n" + "".join(f"{i},{c},3.5\n" for i, c in enumerate(centres)))


# --- TIFF


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    ("order", "options"),
    [
        ("chw", {"photometric": "minisblack"}),
        ("chw", {"photometric": "minisblack", "planarconfig": "separate"}),
        ("hwc", {"photometric": "minisblack", "planarconfig": "contig"}),
        ("chw", {"photometric": "minisblack", "metadata": None}),
        ("chw", {"photometric": "minisblack", "bigtiff": True}),
    ],
)
def test_tiff_is_mapped(tmp_path, values, centres, order, options, byteorder):
    path = tmp_path / "leaf.tif"
    tifffile.imwrite(path, stored(values, order), byteorder=byteorder, **options)
    cube = open_cube(path, wavelengths_nm=centres)
    assert isinstance(cube.values, np.memmap)
    assert np.array_equal(cube.values, values)
    assert cube.provenance.format == "TIFF"


def test_tiff_pages_written_one_by_one(tmp_path, values, centres):
    path = tmp_path / "00000.tiff"
    with tifffile.TiffWriter(path) as writer:
        for page in values:
            writer.write(page, photometric="minisblack", metadata=None)
    assert np.array_equal(open_cube(path, wavelengths_nm=centres).values, values)


def test_compressed_tiff_is_unpacked(tmp_path, values, centres):
    path = tmp_path / "leaf.tif"
    tifffile.imwrite(path, values, photometric="minisblack", compression="zlib")
    cube = open_cube(path, wavelengths_nm=centres)
    assert not isinstance(cube.values, np.memmap)
    assert np.array_equal(cube.values, values)


def test_tiff_of_one_line(tmp_path, centres):
    values = np.arange(30, dtype=np.uint16).reshape(6, 1, 5)
    path = tmp_path / "leaf.tif"
    tifffile.imwrite(path, values, photometric="minisblack")
    assert np.array_equal(open_cube(path, wavelengths_nm=centres).values, values)


def test_tiff_whose_pages_are_lines(tmp_path, values, centres):
    path = tmp_path / "leaf.tif"
    tifffile.imwrite(path, stored(values, "hcw"), photometric="minisblack")
    assert np.array_equal(open_cube(path, axes="hcw", wavelengths_nm=centres).values, values)


def test_tiff_nodata(tmp_path, values, centres):
    path = tmp_path / "leaf.tif"
    tifffile.imwrite(path, values, photometric="minisblack", extratags=[(42113, "s", 0, "0", True)])
    assert open_cube(path, wavelengths_nm=centres).ignore_value == 0.0


def test_tiff_that_is_no_cube(tmp_path, values):
    tifffile.imwrite(tmp_path / "flat.tif", values[0], photometric="minisblack")
    with pytest.raises(CubeError, match=r"flat.tif must hold one stack .* it holds 1 image series of shape \[4, 5\]"):
        open_cube(tmp_path / "flat.tif", wavelengths_nm="400:1000")
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(values, photometric="minisblack")
        writer.write(values[:, :3], photometric="minisblack")
    with pytest.raises(CubeError, match="it holds 2 image series"):
        open_cube(tmp_path / "two.tif", wavelengths_nm="400:1000")


@pytest.mark.parametrize("written", ["at once", "page by page"])
def test_tiff_that_lost_its_end(tmp_path, values, caplog, written):
    path = tmp_path / "leaf.tif"
    with tifffile.TiffWriter(path) as writer:
        for part in [values] if written == "at once" else values:
            writer.write(part, photometric="minisblack", metadata=None)
    whole = path.read_bytes()
    # The last bytes hold no pixels and no list of pages.
    for size in range(8, len(whole) - 20, 9):
        path.write_bytes(whole[:size])
        with pytest.raises(CubeError, match=r"leaf.tif .*copy it again"):
            open_cube(path, wavelengths_nm="400:1000")
    assert not caplog.records


# --- Wavelengths from beside the file or from the user


@pytest.mark.parametrize("name", ["leaf.wavelengths.csv", "wavelengths.csv"])
def test_table_beside_the_file(tmp_path, values, centres, name):
    tifffile.imwrite(tmp_path / "leaf.tif", values, photometric="minisblack")
    write_table(tmp_path / name, centres)
    cube = open_cube(tmp_path / "leaf.tif")
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    assert cube.fwhm_nm.tolist() == [3.5] * 6


def test_envi_header_beside_a_tiff(tmp_path, values, centres):
    tifffile.imwrite(tmp_path / "leaf.tif", values, photometric="minisblack")
    text = "ENVI\nwavelength units = um\nreflectance scale factor = 4000\nwavelength = {%s}\n"
    (tmp_path / "leaf.hdr").write_text(text % ", ".join(map(str, centres / 1e3)))
    cube = open_cube(tmp_path / "leaf.tif")
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    assert (cube.quantity, cube.scale) == ("reflectance", 4000.0)


@pytest.mark.parametrize(
    "text",
    [
        "{0}\n{1}\n",
        "\ufeff{0}\r\n{1}\r\n",
        "# nm\n{0} \n{1}\n",
        "Wavelength (nm);FWHM\n{0};2\n{1};2\n",
        "wl\tx\n{0}\ta\n{1}\tb\n",
    ],
)
def test_tables_as_people_write_them(tmp_path, text):
    np.save(tmp_path / "leaf.npy", np.ones((2, 3, 4)))
    (tmp_path / "bands.txt").write_text(text.format(500, 600.5), encoding="utf-8")
    assert open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.txt").wavelengths_nm.tolist() == [
        500,
        600.5,
    ]


def test_a_list_of_decimal_commas_is_not_cut_at_them(tmp_path):
    np.save(tmp_path / "leaf.npy", np.ones((2, 3, 4)))
    for text in ("500,5\n600,25\n", "500,5\n600\n"):
        (tmp_path / "bands.txt").write_text(text)
        with pytest.raises(CubeError, match=r"bands.txt says 500,5, a decimal comma or two columns; write 400.5, or"):
            open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.txt")
    for text in ("500.0,5\n600,25\n", "500;5\n600;25\n", "500\t5\n600\t25\n"):
        (tmp_path / "bands.txt").write_text(text)
        cube = open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.txt")
        assert cube.wavelengths_nm.tolist() == [500, 600]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_between_semicolons_and_tabs_a_comma_is_the_decimal_sign(tmp_path, mark):
    np.save(tmp_path / "leaf.npy", np.ones((2, 3, 4)))
    (tmp_path / "bands.csv").write_text(f"wavelength_nm{mark}fwhm_nm\n500,9{mark}6,2\n603,8{mark}6,3\n")
    cube = open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.csv")
    assert cube.wavelengths_nm.tolist() == [500.9, 603.8] and cube.fwhm_nm.tolist() == [6.2, 6.3]


@pytest.mark.parametrize(
    "text",
    [
        "wavelength,fwhm\n500,6,\n510,7,\n",
        "wavelength;fwhm;\n500,0;6,0;\n510,0;7,0;\n",
        "wavelength,fwhm\n500,6,a note\n510,7\n",
        "wavelength,\tfwhm\n500.0,\t6.0\n510.0,\t7.0\n",
        "wavelength (nm; air),fwhm\n500,6\n510,7\n",
        "wavelength;fwhm\n500,6\n510,7\n",
    ],
)
def test_tables_as_programs_write_them(tmp_path, text):
    np.save(tmp_path / "leaf.npy", np.ones((2, 3, 4)))
    (tmp_path / "bands.csv").write_text(text)
    cube = open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.csv")
    assert cube.wavelengths_nm.tolist() == [500, 510] and cube.fwhm_nm.tolist() == [6, 7]


def test_table_in_micrometres(tmp_path):
    np.save(tmp_path / "leaf.npy", np.ones((2, 3, 4)))
    (tmp_path / "bands.csv").write_text("wavelength_um\n0.5\n0.6\n")
    np.testing.assert_allclose(
        open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "bands.csv").wavelengths_nm, [500, 600]
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bands.csv is empty"),
        ("band,centre\n1,500\n", "has no column called wavelength, it has: band, centre"),
        ("wavelength\n500\nred\n", "row 3: expected a number in column 1, got 'red'"),
        ("band,wavelength\n1,500\n2\n", "row 3: expected a number in column 2, got 'nothing'"),
        ("a\0b", "is not a table of wavelengths"),
        ("wavelength\n500,9\n600,1\n", "twice as many numbers a line as titles; where commas are decimal signs"),
        ("0.5\n0.6\n", "look like micrometres"),
        ("500\n600\n700\n", "0 axes match 3 wavelengths; state the order with --axes"),
    ],
)
def test_tables_that_are_wrong(tmp_path, text, message):
    np.save(tmp_path / "leaf.npy", np.ones((2, 4, 5)))
    (tmp_path / "bands.csv").write_text(text)
    with pytest.raises(CubeError, match=message):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm=str(tmp_path / "bands.csv"))


def test_options_that_are_wrong(tmp_path):
    np.save(tmp_path / "leaf.npy", np.ones((2, 4, 5)))
    with pytest.raises(ValueError, match="must be a file or START:STOP in nm, such as 400:1000; got red:blue"):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm="red:blue", axes="chw")
    with pytest.raises(CubeError, match=r"cannot read wavelengths from .*none.csv: No such file"):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm=tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"arrangement of \"chw\" .*; got 'xyz'"):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm=[500, 600], axes="xyz")
    with pytest.raises(CubeError, match=r"leaf.npy is 2 x 4 x 5 and no wavelengths are known; state the order"):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm="400:1000")
    assert open_cube(tmp_path / "leaf.npy", wavelengths_nm="400:1000", axes="hcw").wavelengths_nm.size == 4


# --- NPY and NPZ


@pytest.mark.parametrize("order", ["chw", "hcw", "hwc"])
@pytest.mark.parametrize("fortran", [False, True])
def test_npy(tmp_path, values, centres, order, fortran):
    array = stored(values, order)
    np.save(tmp_path / "leaf.npy", np.asfortranarray(array) if fortran else array)
    cube = open_cube(tmp_path / "leaf.npy", wavelengths_nm=centres)
    assert isinstance(cube.values, np.memmap)
    assert np.array_equal(cube.values, values)
    assert cube.provenance.fields["axes"] == order


def test_npy_of_equal_lengths_is_not_guessed(tmp_path):
    np.save(tmp_path / "leaf.npy", np.zeros((6, 6, 5)))
    with pytest.raises(CubeError, match="2 axes match 6 wavelengths; state the order with --axes"):
        open_cube(tmp_path / "leaf.npy", wavelengths_nm=np.linspace(400, 900, 6))


def test_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(CubeError, match=r"evil.npy cannot be read as NPY"):
        open_cube(tmp_path / "evil.npy")
    np.savez(tmp_path / "evil.npz", values=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CubeError, match=r"evil.npz cannot be read as NPZ"):
        open_cube(tmp_path / "evil.npz")


@settings(deadline=None, max_examples=40)
@given(
    dtype=st.sampled_from(["u1", "<u2", ">u2", "f4", ">f8"]),
    quantity=st.sampled_from([None, "reflectance", "counts"]),
    scale=st.floats(1, 1e5),
    ignore=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    exposure=st.one_of(st.none(), st.floats(0.1, 100)),
    described=st.booleans(),
    shown=st.sampled_from([None, (2, 1, 0)]),
)
def test_npz_round_trip(dtype, quantity, scale, ignore, exposure, described, shown):
    cube = Cube(
        np.arange(24).reshape(3, 2, 4).astype(dtype),
        np.array([500.0, 600.0, 700.0]),
        fwhm_nm=np.array([2.0, 3.0, 4.0]) if described else None,
        good_bands=np.array([True, False, True]),
        quality=np.array([[True, False, True, True]] * 2) if described else None,
        ignore_value=ignore,
        quantity=quantity,
        scale=scale,
        exposure_ms=exposure,
        default_bands=shown,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leaf.npz")
        write_npz(cube, path)
        again = open_cube(path)
        assert [item.name for item in Path(folder).iterdir()] == ["leaf.npz"]
    assert again.values.dtype == cube.values.dtype
    for name in ("values", "wavelengths_nm", "good_bands"):
        assert np.array_equal(getattr(again, name), getattr(cube, name))
    for name in ("quantity", "scale", "ignore_value", "exposure_ms", "default_bands"):
        assert getattr(again, name) == getattr(cube, name)
    for name in ("fwhm_nm", "quality"):
        assert (getattr(again, name) is None) != described
        assert not described or np.array_equal(getattr(again, name), getattr(cube, name))


def test_npz_that_is_no_cube(tmp_path, values, centres):
    np.savez(tmp_path / "flat.npz", values=values[0], mask=values > 0)
    with pytest.raises(CubeError, match=r"holds no numeric variable with three axes; it has: values \[4, 5\]\. Save"):
        open_cube(tmp_path / "flat.npz")
    np.savez(tmp_path / "two.npz", x=values, y=values)
    with pytest.raises(CubeError, match=r"holds 2 variables with three axes, name one with --variable; it has: x"):
        open_cube(tmp_path / "two.npz")
    np.savez(tmp_path / "bare.npz", values=values)
    with pytest.raises(CubeError, match=r"bare.npz .* states no wavelengths"):
        open_cube(tmp_path / "bare.npz")
    np.savez(tmp_path / "odd.npz", values=values, wavelengths_nm=centres, quantity="radiance")
    with pytest.raises(CubeError, match=r"odd.npz: quantity must be"):
        open_cube(tmp_path / "odd.npz")
    np.savez(tmp_path / "text.npz", values=values, wavelengths_nm=np.array(["red"]))
    with pytest.raises(CubeError, match=r"text.npz cannot be read as NPZ"):
        open_cube(tmp_path / "text.npz")


def test_an_npz_of_other_keys_is_a_cube_if_it_holds_one(tmp_path, values, centres):
    other = {"FWHM": np.full(6, 4.0), "bbl": np.array([1, 1, 0, 1, 1, 1]), "mask": np.ones((4, 5), bool)}
    np.savez(tmp_path / "leaf.npz", cube=values.transpose(1, 2, 0), wavelengths=centres, **other)
    cube = open_cube(tmp_path / "leaf.npz")
    assert np.array_equal(cube.values, values) and np.array_equal(cube.wavelengths_nm, centres)
    assert cube.fwhm_nm.tolist() == [4.0] * 6 and cube.good_bands.tolist() == [True, True, False, True, True, True]
    assert cube.provenance.notes[0] == "leaf.npz: wavelengths states no unit of wavelength; taken as nm"
    np.savez(tmp_path / "both.npz", white=values * 2, cube=values, wavelengths_nm=centres)
    assert np.array_equal(open_cube(tmp_path / "both.npz", variable="cube").values, values)
    np.savez(tmp_path / "one.npz", values=values[None], wavelengths_nm=centres)
    assert np.array_equal(open_cube(tmp_path / "one.npz").values, values)
    np.savez(tmp_path / "square.npz", cube=np.zeros((6, 6, 5)), wavelengths_nm=centres)
    with pytest.raises(CubeError, match="2 axes match 6 wavelengths; state the order with --axes"):
        open_cube(tmp_path / "square.npz")


@pytest.mark.parametrize(
    "other",
    [
        {"fwhm": 5.0},
        {"bbl": 1},
        {"bbl": np.arange(6)},
        {"good_wavelengths": np.arange(6)},
        {"wl": "a"},
        {"lambda": 0.1},
    ],
)
def test_what_another_program_means_by_a_name_does_not_stop_a_cube(tmp_path, values, centres, other):
    np.savez(tmp_path / "leaf.npz", values=values, wavelengths_nm=centres, **other)
    cube = open_cube(tmp_path / "leaf.npz")
    assert cube.good_bands.all() and cube.fwhm_nm is None and np.array_equal(cube.wavelengths_nm, centres)
    assert np.array_equal(open_cube(tmp_path / "leaf.npz", wavelengths_nm=centres).values, values)


def test_the_order_of_an_npz_is_told_by_its_wavelengths_or_by_the_user(tmp_path, values, centres):
    pixels = values.transpose(1, 2, 0)
    np.savez(tmp_path / "pixels.npz", values=pixels, wavelengths_nm=centres)
    assert np.array_equal(open_cube(tmp_path / "pixels.npz").values, values)
    np.savez(tmp_path / "bare.npz", values=pixels)
    with pytest.raises(CubeError, match=r"bare.npz is 4 x 5 x 6 and no wavelengths are known; state .* --axes"):
        open_cube(tmp_path / "bare.npz", wavelengths_nm="400:900")
    assert np.array_equal(open_cube(tmp_path / "bare.npz", axes="hwc", wavelengths_nm="400:900").values, values)
    assert np.array_equal(open_cube(tmp_path / "bare.npz", wavelengths_nm=centres).values, values)
    with pytest.raises(CubeError, match=r"one wavelength a band \(6\), got 4"):
        open_cube(tmp_path / "pixels.npz", wavelengths_nm=[500, 600, 700, 800])  # as many as lines


def test_what_a_format_has_no_use_for_is_refused(tmp_path, values, centres):
    np.save(tmp_path / "leaf.npy", values)
    write_npz(Cube(values, centres), tmp_path / "leaf.npz")
    for name in ("leaf.npy", "leaf.npz"):
        with pytest.raises(
            ValueError, match=f"--variable means nothing for {name}, which holds one cube; leave it out"
        ):
            open_cube(tmp_path / name, variable="cube")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "leaf.npz").read_bytes()[:-40])
    with pytest.raises(CubeError, match=r"torn.npz cannot be read as NPZ .* damaged or not whole"):
        open_cube(tmp_path / "torn.npz", variable="cube")
    header = "ENVI\nsamples = 5\nlines = 4\nbands = 6\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
    (tmp_path / "leaf.hdr").write_text(header)
    with pytest.raises(ValueError, match=r"--axes means nothing for leaf.hdr, whose header says the order"):
        open_cube(tmp_path / "leaf.hdr", axes="hwc")


def test_npz_needs_a_place(tmp_path, values, centres):
    with pytest.raises(OutputError, match="cannot write"):
        write_npz(Cube(values, centres), tmp_path / "none" / "leaf.npz")


# --- MATLAB


@pytest.mark.parametrize("order", ["chw", "hcw", "hwc"])
@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_5(tmp_path, values, centres, order, compressed):
    path = tmp_path / "leaf.mat"
    content = {
        "cube": stored(values, order),
        "Wavelength": centres[:, None],
        "fwhm": np.full((1, 6), 4.0),
        "name": "leaf",
    }
    scipy.io.savemat(path, content, do_compression=compressed)
    cube = open_cube(path)
    assert np.array_equal(cube.values, values)
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    assert cube.fwhm_nm.tolist() == [4.0] * 6
    assert cube.provenance.fields == {"variable": "cube", "axes": order}


def write_matlab73(path, arrays, **layout):
    """A file as MATLAB's save -v7.3 leaves it: HDF5 behind 512 bytes of text, axes in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=np.asarray(array).T, **(layout if np.ndim(array) == 3 else {}))
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512, b"\0"))


@pytest.mark.parametrize("order", ["chw", "hwc"])
def test_matlab_73(tmp_path, values, centres, order):
    path = tmp_path / "leaf.mat"
    write_matlab73(path, {"cube": stored(values, order), "wavelengths": centres[None]})
    cube = open_cube(path)
    assert cube.provenance.format == "MATLAB 7.3"
    assert isinstance(cube.values, np.memmap)
    assert np.array_equal(cube.values, values)
    assert cube.provenance.fields["axes"] == order
    write_matlab73(path, {"cube": stored(values, order), "wavelengths": centres[None]}, chunks=True, compression="gzip")
    assert np.array_equal(open_cube(path).values, values)


def test_variables_are_named_or_single(tmp_path, values, centres):
    path = tmp_path / "two.mat"
    scipy.io.savemat(path, {"first": values, "second": values + 1, "flat": values[0], "wl": centres})
    listed = r"it has: first \[6, 4, 5\], flat \[4, 5\], second \[6, 4, 5\], wl \[1, 6\]"
    with pytest.raises(
        CubeError, match="two.mat holds 2 variables with three axes, name one with --variable; " + listed
    ):
        open_cube(path)
    assert np.array_equal(open_cube(path, variable="second").values, values + 1)
    with pytest.raises(CubeError, match="holds no numeric variable 'third'; " + listed):
        open_cube(path, variable="third")
    with pytest.raises(CubeError, match=r"flat has shape \[4, 5\], expected three axes"):
        open_cube(path, variable="flat")


# --- HDF5 and NetCDF


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("packed", [False, True])
def test_hdf5(tmp_path, values, centres, order, packed):
    path = tmp_path / "leaf.h5"
    with h5py.File(path, "w") as file:
        options = {"chunks": True, "compression": "gzip"} if packed else {}
        file.create_dataset("scene/radiance", data=stored(values, order), **options)
        table = file.create_dataset("scene/Wavelength", data=centres / 1e3)
        table.attrs["Units"] = "micrometers"
        file["scene/FWHM"] = np.full(6, 0.004)
        file["scene/bbl"] = np.array([1, 1, 1, 0, 1, 1])
    transposed = order.replace("c", "") == "wh"
    cube = open_cube(path, axes=order if transposed else None)
    assert np.array_equal(cube.values, values)
    assert isinstance(cube.values, np.memmap) != packed
    np.testing.assert_allclose(cube.wavelengths_nm, centres)
    np.testing.assert_allclose(cube.fwhm_nm, 4.0)
    assert np.flatnonzero(~cube.good_bands).tolist() == [3]
    assert cube.quantity is None


@pytest.mark.parametrize(
    ("name", "dtype", "attributes", "expected"),
    [
        ("Reflectance_Data", "i2", {"Scale_Factor": 10000.0}, ("reflectance", 10000.0)),
        ("reflectance", "i2", {"scale_factor": 0.0001}, ("reflectance", 10000.0)),
        ("reflectance", "i2", {}, (None, 1.0)),
        ("reflectance", "f4", {"units": "unitless"}, ("reflectance", 1.0)),
        ("rfl", "f4", {"long_name": "Surface Reflectance", "units": "%"}, ("reflectance", 100.0)),
        ("reflectance", "i2", {"units": "%", "scale_factor": 0.01}, ("reflectance", 10000.0)),
        ("reflectance", "f4", {"units": "percent", "scale_factor": 1.0}, ("reflectance", 100.0)),
        ("reflectance", "i2", {"units": "%"}, (None, 1.0)),
        ("reflectance", "f4", {"units": "W m-2"}, (None, 1.0)),
        ("reflectance", "i2", {"units": "W m-2", "scale_factor": 0.01}, (None, 1.0)),
        ("data", "f4", {}, (None, 1.0)),
        ("data", "i2", {"scale_factor": 0.0001}, (None, 1.0)),
        ("data", "f4", {"quantity": "reflectance"}, ("reflectance", 1.0)),
        ("data", "u2", {"quantity": b"counts"}, ("counts", 1.0)),
    ],
)
def test_quantity_is_what_the_attributes_state(tmp_path, values, centres, name, dtype, attributes, expected):
    path = tmp_path / "leaf.nc"
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=values.astype(dtype)).attrs.update({**attributes, "_FillValue": [-9999]})
        file["wavelengths"] = centres
    cube = open_cube(path)
    assert cube.provenance.format == "NetCDF 4"
    assert cube.ignore_value == -9999.0
    assert (cube.quantity, pytest.approx(cube.scale)) == expected


def test_an_offset_is_refused(tmp_path, values, centres):
    with h5py.File(tmp_path / "leaf.h5", "w") as file:
        file.create_dataset("reflectance", data=values).attrs["add_offset"] = 0.5
        file["wavelength"] = centres
    with pytest.raises(CubeError, match=r"reflectance has add_offset = 0.5, which is not supported"):
        open_cube(tmp_path / "leaf.h5")


@pytest.mark.parametrize("order", ["chw", "hwc"])
@pytest.mark.parametrize("unlimited", [False, True])
def test_netcdf_3(tmp_path, values, centres, order, unlimited):
    path = tmp_path / "leaf.nc"
    lengths = dict(zip("chw", values.shape, strict=True))
    with scipy.io.netcdf_file(path, "w") as file:
        for axis in order:
            file.createDimension(axis, None if unlimited and axis == order[0] else lengths[axis])
        if order[0] != "c" or not unlimited:
            file.createVariable("wavelength", "d", ("c",))[:] = centres
            file.variables["wavelength"].units = "nm"
        cube = file.createVariable("reflectance", "f", tuple(order))
        cube.units = "1"
        cube._FillValue = np.float32(-1)
        cube[:] = stored(values, order)
    again = open_cube(path, axes=order, wavelengths_nm=centres if unlimited else None)
    assert np.array_equal(again.values, values)
    assert not again.values.flags.owndata
    np.testing.assert_allclose(again.wavelengths_nm, centres)
    assert (again.quantity, again.ignore_value, again.provenance.format) == ("reflectance", -1.0, "NetCDF 3")


def test_leading_axes_of_one_are_dropped(tmp_path, values, centres):
    with h5py.File(tmp_path / "leaf.h5", "w") as file:
        file["data"], file["wavelength"] = values[None, None], centres
    assert np.array_equal(open_cube(tmp_path / "leaf.h5").values, values)


# --- Every format


@pytest.mark.parametrize("name", ["leaf.tif", "leaf.npy", "leaf.npz", "leaf.mat", "leaf73.mat", "leaf.h5", "leaf.nc"])
def test_damaged_files(tmp_path, values, centres, name):
    path = tmp_path / name
    if name == "leaf.tif":
        tifffile.imwrite(path, values, photometric="minisblack")
    elif name == "leaf.npy":
        np.save(path, values)
    elif name == "leaf.npz":
        write_npz(Cube(values, centres), path)
    elif name == "leaf.mat":
        scipy.io.savemat(path, {"cube": values, "wavelength": centres})
    elif name == "leaf73.mat":
        write_matlab73(path, {"cube": values, "wavelength": centres[None]})
    elif name == "leaf.h5":
        with h5py.File(path, "w") as file:
            file["cube"], file["wavelength"] = values, centres
    else:
        with scipy.io.netcdf_file(path, "w") as file:
            for axis, length in zip("chw", values.shape, strict=True):
                file.createDimension(axis, length)
            file.createVariable("cube", "h", ("c", "h", "w"))[:] = values
    whole = path.read_bytes()
    assert open_cube(path, wavelengths_nm=centres).shape == (6, 4, 5)
    # The MATLAB file ends with the wavelengths, which the option replaces; without its last bytes the cube is whole.
    for size in (17, len(whole) // 3, len(whole) // 2, len(whole) - (200 if name == "leaf.mat" else 60)):
        path.write_bytes(whole[:size])
        with pytest.raises(CubeError, match=name) as caught:
            open_cube(path, wavelengths_nm=centres)
        assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(
    magic=st.sampled_from(
        [b"II*\0", b"MM\0*", b"PK\x03\x04", b"\x93NUMPY\x01\0", b"CDF\x01", b"\x89HDF\r\n\x1a\n", b"MATLAB 5.0"]
    ),
    content=st.binary(max_size=300),
)
def test_no_bytes_end_in_a_traceback(magic, content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "leaf.bin")
        path.write_bytes(magic + content)
        with pytest.raises(CubeError):
            open_cube(path, wavelengths_nm="400:1000")


def test_content_goes_before_suffix(tmp_path, values, centres):
    np.save(tmp_path / "leaf.npy", values)
    (tmp_path / "leaf.npy").rename(tmp_path / "leaf.tif")
    assert open_cube(tmp_path / "leaf.tif", wavelengths_nm=centres).provenance.format == "NPY"


def test_files_that_are_no_cube(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        CubeError, match=r"notes.txt is of no known format .*\(notes.txt.hdr\); supported are ENVI .*HDF5"
    ):
        open_cube(tmp_path / "notes.txt")
    with pytest.raises(CubeError, match="is a folder; name a file in it"):
        open_cube(tmp_path)


def test_what_does_not_fit_into_memory_is_refused(monkeypatch, tmp_path, values, centres):
    with h5py.File(tmp_path / "leaf.h5", "w") as file:
        file.create_dataset("cube", data=values, chunks=True)
        file["wavelength"] = centres
    monkeypatch.setattr(describe.os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else 400)
    with pytest.raises(CubeError, match=r"cannot be memory-mapped and needs 0.0 GiB unpacked, .*store it uncompressed"):
        open_cube(tmp_path / "leaf.h5")
