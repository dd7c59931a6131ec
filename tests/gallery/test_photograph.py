"""Diffusion of a picture: conservation, bounds, files of several kinds."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from resolvent import gallery
from resolvent.gallery import photograph
from resolvent.gallery.photograph import read_picture


def smooth(steps):
    for i, p in enumerate(steps):
        steps.feed(i, sla.spsolve(p.A.tocsc(), p.b))
    return steps.after


def test_the_matrix_is_a_weighted_graph_laplacian():
    steps = gallery.sequence("photograph", size=30, tau=3.0, kappa=0.05)
    g = steps.conductivity()
    rows, columns = g.shape
    number = np.arange(g.size).reshape(g.shape)
    A = sp.lil_array((g.size, g.size))
    A.setdiag(1.0)
    for i, j in np.ndindex(rows, columns):
        for k, l in ((i + 1, j), (i, j + 1)):
            if k < rows and l < columns:
                w = 3.0 * (g[i, j] + g[k, l]) / 2
                p, q = number[i, j], number[k, l]
                A[p, p] += w
                A[q, q] += w
                A[p, q] -= w
                A[q, p] -= w
    np.testing.assert_allclose(steps[0].A.toarray(), A.toarray(), rtol=1e-13, atol=1e-15)
    assert np.array_equal(steps[0].b, steps.before.ravel())
    assert g.min() > 0 and g.max() <= 1


def test_mean_and_bounds_are_kept_and_noise_is_removed():
    steps = gallery.sequence("photograph", count=3, size=80, noisy=0.1)
    after = smooth(steps)
    assert after.mean() == pytest.approx(steps.before.mean(), abs=1e-12)
    assert steps.before.min() <= after.min() and after.max() <= steps.before.max()
    assert np.linalg.norm(after - steps.clean) < np.linalg.norm(steps.before - steps.clean)
    again = gallery.sequence("photograph", count=3, size=80, noisy=0.1)
    assert np.array_equal(again.before, steps.before)
    other = gallery.sequence("photograph", count=3, size=80, noisy=0.1, seed=1)
    assert not np.array_equal(other.before, steps.before)
    plain = gallery.sequence("photograph", size=80, sigma=0.0)
    assert np.array_equal(plain.before, plain.clean)
    assert plain[0].A.shape == (plain.unknowns, plain.unknowns)


def test_the_default_is_the_whole_sample_picture():
    steps = gallery.sequence("photograph")
    assert steps.unknowns == 427 * 640
    assert 0 <= steps.clean.min() < steps.clean.max() <= 1


def test_pictures_are_read_from_npy_and_png(tmp_path):
    gray = np.random.default_rng(0).integers(0, 256, (9, 11), dtype=np.uint8)
    np.save(tmp_path / "gray.npy", gray)
    assert np.array_equal(read_picture(tmp_path / "gray.npy"), gray / 255)
    np.save(tmp_path / "float.npy", gray / 255)
    assert np.array_equal(read_picture(tmp_path / "float.npy"), gray / 255)
    colour = np.stack([gray, gray // 2, gray // 3], axis=2)
    np.save(tmp_path / "colour.npy", colour)
    expected = (0.299 * colour[..., 0] + 0.587 * colour[..., 1] + 0.114 * colour[..., 2]) / 255
    np.testing.assert_allclose(read_picture(tmp_path / "colour.npy"), expected)
    image = pytest.importorskip("PIL.Image")
    image.fromarray(colour).save(tmp_path / "colour.png")
    np.testing.assert_allclose(read_picture(tmp_path / "colour.png"), expected)
    steps = gallery.sequence("photograph", count=1, file=tmp_path / "colour.png")
    assert steps.clean.shape == (9, 11)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.ones((3, 4), dtype=complex), "real gray values"),
        (np.ones(5), "2 x 2"),
        (np.ones((1, 9)), "2 x 2"),
        (np.ones((3, 3, 5)), "2 x 2"),
        (np.full((3, 3), np.nan), "finite"),
        (np.full((3, 3), 2.0), "between 0 and 1"),
        (-np.ones((3, 3)), "between 0 and 1"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(array, sentence, tmp_path):
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(ValueError, match=sentence):
        read_picture(tmp_path / "bad.npy")


def test_files_that_are_no_pictures_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no such file"):
        read_picture(tmp_path / "nowhere.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"text\.png: not a readable picture"):
        read_picture(tmp_path / "text.png")
    image = pytest.importorskip("PIL.Image")
    image.new("L", (30, 40)).save(tmp_path / "large.png")
    monkeypatch.setattr(photograph, "_MOST_PIXELS", 1000)
    with pytest.raises(ValueError, match="30 x 40 pixels"):
        read_picture(tmp_path / "large.png")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ValueError, match="needs Pillow"):
        read_picture(tmp_path / "large.png")


def test_without_the_sample_picture_the_sentence_says_what_to_do(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"resolvent\[sklearn\].*file="):
        gallery.sequence("photograph")


def test_a_size_that_leaves_nothing_is_refused(tmp_path):
    np.save(tmp_path / "line.npy", np.zeros((2, 90)))
    with pytest.raises(ValueError, match="leaves less than 2 x 2"):
        gallery.sequence("photograph", file=tmp_path / "line.npy", size=30)
