"""Jasper Ridge: orientation, wavelengths and scale, held against the reference that the file carries."""

import numpy as np
import pytest

from focus.runtime._errors import CubeError
from focus.runtime.cubes import open_cube, open_jasper_ridge


def test_jasper_ridge(real_file):
    cube, abundances, endmembers, names = open_jasper_ridge(real_file("jasperRidge2_R198.mat"))
    assert cube.shape == (198, 100, 100)
    assert abundances.shape == (4, 100, 100)
    assert endmembers.shape == (198, 4)
    assert names == ("tree", "water", "dirt", "road")
    np.testing.assert_allclose(abundances.sum(axis=0), 1.0, atol=1e-9)
    assert cube.quantity == "reflectance"
    assert 405 < cube.wavelengths_nm[0] < 410
    assert 2450 < cube.wavelengths_nm[-1] < 2455


def test_scale_and_orientation_agree_with_the_reference(real_file):
    cube, abundances, endmembers, names = open_jasper_ridge(real_file("jasperRidge2_R198.mat"))
    whole = slice(None)
    measured = cube.reflectance(whole, whole)
    np.testing.assert_allclose(measured[:, 14, 71], endmembers[:, names.index("road")], atol=1e-6)
    mixed = np.tensordot(endmembers, abundances, axes=1)
    turned = np.tensordot(endmembers, abundances.transpose(0, 2, 1), axes=1)
    assert np.sqrt(np.mean((measured - mixed) ** 2)) < 0.06
    assert np.sqrt(np.mean((measured - turned) ** 2)) > 0.12


def test_wavelengths_show_red_edge_and_water(real_file):
    cube, abundances, _, names = open_jasper_ridge(real_file("jasperRidge2_R198.mat"))
    spectrum = cube.values[:, abundances[names.index("tree")] > 0.95].mean(axis=1)
    below, above = np.searchsorted(cube.wavelengths_nm, (680.0, 780.0))
    assert spectrum[above] > 4 * spectrum[below]
    lake = cube.values[:, abundances[names.index("water")] > 0.95].mean(axis=1)
    assert lake[:below].mean() > 3 * lake[above:].mean()


def test_open_cube_knows_the_file(real_file):
    path = real_file("jasperRidge2_R198.mat")
    cube = open_cube(path)
    assert cube.provenance.format == "MATLAB (Jasper Ridge)"
    assert cube.scale == 5300.0


def test_other_files_are_refused(tmp_path):
    import scipy.io

    scipy.io.savemat(tmp_path / "other.mat", {"x": np.ones((2, 2))})
    with pytest.raises(CubeError, match=r"other.mat cannot be read as Jasper Ridge .*expected jasperRidge2_R198.mat"):
        open_jasper_ridge(tmp_path / "other.mat")
    with pytest.raises(CubeError, match=r"none.mat cannot be read as Jasper Ridge"):
        open_jasper_ridge(tmp_path / "none.mat")
