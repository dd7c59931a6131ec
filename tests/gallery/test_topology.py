"""Design: published compliances, elasticity facts, a slow assembly."""

import itertools

import numpy as np
import pytest
import scipy.sparse.linalg as sla

from resolvent import gallery
from resolvent.gallery.elasticity import Box, cone_filter, element_stiffness


def design(**options):
    beam = gallery.sequence("topology", count=1000, **options)
    for i, p in enumerate(beam):
        beam.feed(i, sla.spsolve(p.A.tocsc(), p.b))
    return beam


@pytest.mark.parametrize(
    ("size", "radius", "filter", "compliance"),
    [
        (60, 2.4, "sensitivity", 216.81),
        (60, 2.4, "density", 233.71),
        pytest.param(150, 6.0, "sensitivity", 219.52, marks=pytest.mark.full),
    ],
)
def test_the_beam_has_the_compliance_of_the_literature(size, radius, filter, compliance):
    beam = design(size=size, radius=radius, filter=filter)
    assert beam.done and beam.change <= 0.01
    assert abs(beam.compliance - compliance) <= 0.005
    assert abs(beam.density.mean() - 0.5) < 1e-3
    assert beam.density.min() >= 0 and beam.density.max() <= 1
    with pytest.raises(IndexError):
        beam[beam.position]


def test_the_first_step_is_that_of_a_uniform_beam():
    beam = gallery.sequence("topology", size=12)
    p = beam[0]
    assert np.isnan(beam.compliance) and beam.change == 1.0 and not beam.done
    x = sla.spsolve(p.A.tocsc(), p.b)
    beam.feed(0, x)
    assert beam.compliance == pytest.approx(float(p.b @ x), rel=1e-10)
    assert 0 < beam.change <= 0.2 + 1e-15


def test_element_stiffness_is_the_closed_form_in_the_plane():
    nu = 0.3
    K = element_stiffness(2, nu)
    k = np.array(
        [1 / 2 - nu / 6, 1 / 8 + nu / 8, -1 / 4 - nu / 12, -1 / 8 + 3 * nu / 8]
        + [-1 / 4 + nu / 12, -1 / 8 - nu / 8, nu / 6, 1 / 8 - 3 * nu / 8]
    ) / (1 - nu**2)
    assert K[0, 0] == pytest.approx(k[0])
    assert K[0, 1] == pytest.approx(k[1])
    assert sorted(set(np.round(K[0], 12))) == pytest.approx(sorted(set(np.round(k, 12))))


@pytest.mark.parametrize(("d", "rigid"), [(2, 3), (3, 6)])
def test_element_stiffness_knows_rigid_motions(d, rigid):
    K = element_stiffness(d, 0.3)
    assert np.array_equal(K, K.T)
    values = np.linalg.eigvalsh(K)
    assert abs(values[:rigid]).max() < 1e-14 < 1e-3 < values[rigid]
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=d)))
    stretch = np.zeros((2**d, d))
    stretch[:, 0] = corners[:, 0]  # unit strain along x
    energy = stretch.ravel() @ K @ stretch.ravel()
    expected = 1 / (1 - 0.09) if d == 2 else 0.7 / (1.3 * 0.4)
    assert energy == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(3, 2), (2, 2, 3)])
def test_assembly_equals_the_element_by_element_sum(shape):
    d = len(shape)
    rng = np.random.default_rng(0)
    clamped = np.zeros((*[s + 1 for s in shape], d), dtype=bool)
    clamped[0] = True
    box = Box(shape, clamped)
    E = rng.uniform(0.1, 1, shape)
    nodes = np.arange(clamped[..., 0].size).reshape(clamped.shape[:-1])
    full = np.zeros((clamped.size, clamped.size))
    for e in np.ndindex(*shape):
        corners = [nodes[tuple(np.add(e, c))] for c in itertools.product((0, 1), repeat=d)]
        dofs = np.concatenate([d * k + np.arange(d) for k in corners])
        full[np.ix_(dofs, dofs)] += E[e] * box.K0
    expected = full[np.ix_(box.free, box.free)]
    A = box.matrix(E)
    np.testing.assert_allclose(A.toarray(), expected, rtol=1e-12, atol=1e-14)
    assert (A != A.T).nnz == 0
    x = rng.standard_normal(box.n)
    assert (E * box.energies(x)).sum() == pytest.approx(x @ expected @ x)


@pytest.mark.parametrize(("shape", "radius"), [((5, 4), 2.4), ((3, 3, 4), 1.5), ((2, 2), 9.0)])
def test_the_filter_is_the_cone_of_distances(shape, radius):
    centres = np.array(list(np.ndindex(*shape)), dtype=float)
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.testing.assert_allclose(cone_filter(shape, radius).toarray(), np.maximum(0, radius - distance), atol=1e-14)


def test_the_cantilever_in_space_gets_stiffer():
    block = gallery.sequence("topology3d", count=8, size=8)
    values = []
    for i, p in enumerate(block):
        x = sla.spsolve(p.A.tocsc(), p.b)
        block.feed(i, x)
        values.append(block.compliance)
        assert block.density.shape == (8, 4, 4)
    assert values[-1] < 0.6 * values[0]
    assert abs(block.density.mean() - 0.5) < 1e-3
    mirrored = block.density[:, :, ::-1]
    np.testing.assert_allclose(block.density, mirrored, atol=1e-6)  # the load is the same along the edge


def test_a_design_problem_must_say_how_it_is_held():
    from resolvent.gallery.topology import _Compliance

    with pytest.raises(TypeError, match="where it is held and loaded"):
        _Compliance(1, 3, (3, 3), "density", 1.5, 0.5)


def test_displacements_that_strain_nothing_are_refused():
    beam = gallery.sequence("topology", size=6)
    with pytest.raises(ValueError, match="strain no element"):
        beam.feed(0, np.zeros(beam.unknowns))
    assert beam.position == 0
    beam.feed(0, beam[0].b)  # nonsense, but nothing hangs
    assert np.isfinite(beam.density).all()
