"""auto and bandits on sequences of transport problems."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery


def total(results):
    assert all(r.ok for r in results)
    return sum(r.cost.setup + r.cost.running for r in results)


def test_a_bandit_learns_omega():
    problems = list(gallery.sequence("drifting-points", count=40, size=30, reg=0.01))
    plain = total([rv.Session("sinkhorn", rtol=1e-9).solve(p) for p in problems])
    bandit = rv.Bandit("omega", 1.0, 1.8, arms=9, seed=0, formula=False)
    session = rv.Session("sinkhorn", [bandit], rtol=1e-9)
    learned = total([session.solve(p) for p in problems])
    assert learned < 0.8 * plain
    assert {r["method"] for r in session.records} != {"Sinkhorn(omega=1.0)"}


@pytest.mark.parametrize("reg", [0.2, 1e-3])
def test_auto_is_close_to_the_better_of_its_methods(reg):
    problems = list(gallery.sequence("drifting-images", count=60, size=10, reg=reg))
    auto = rv.Session(rtol=1e-9)
    spent = total([auto.solve(p) for p in problems])
    alone = {}
    for name in ("sinkhorn", "sinkhornnewton"):
        session = rv.Session(name, [rv.Potentials()], rtol=1e-9, max_steps=100_000)
        alone[name] = total([session.solve(p) for p in problems])
    assert spent <= 1.3 * min(alone.values()), (spent, alone)


def test_auto_with_kept_potentials_beats_auto_from_zero():
    problems = list(gallery.sequence("drifting-images", count=10, size=12))
    session = rv.Session(rtol=1e-9)
    warm = [session.solve(p) for p in problems]
    cold = [rv.solve(p, rtol=1e-9) for p in problems]
    assert total(warm[1:]) < 0.7 * total(cold[1:])


def test_a_carried_shift_saves_work():
    problems = list(gallery.sequence("drifting-points", count=12, size=150, seed=2))
    spent = []
    for learners in ([rv.Potentials()], [rv.Potentials(), rv.Carried("shift")]):
        session = rv.Session("sinkhornnewton", learners, rtol=1e-8)
        spent.append(total([session.solve(p) for p in problems]))
    assert learners[1].used > 0 and spent[1] < spent[0]


def test_auto_is_saved_and_goes_on_bit_for_bit(tmp_path):
    make = lambda: list(gallery.sequence("drifting-images", count=6, size=8))
    session = rv.Session(rtol=1e-9)
    for p in make()[:4]:
        session.solve(p)
    session.save(tmp_path / "s.rv")
    other = rv.Session.load(tmp_path / "s.rv")
    for one, two in zip(make()[4:], make()[4:], strict=True):
        a, b = session.solve(one), other.solve(two)
        assert a.x.tobytes() == b.x.tobytes() and a.work == b.work


@pytest.mark.parametrize("kind", ["bumps", "strokes", "pictures"])
def test_drifting_images(kind):
    if kind == "pictures":
        pytest.importorskip("skimage")
    problems = list(gallery.sequence("drifting-images", count=3, size=8, kind=kind))
    assert all(abs(p.a.sum() - 1) < 1e-12 and abs(p.b.sum() - 1) < 1e-12 for p in problems)
    assert np.abs(problems[0].a - problems[1].a).sum() > 0
    again = gallery.sequence("drifting-images", count=3, size=8, kind=kind)[2]
    assert np.array_equal(again.a, problems[2].a)
    with pytest.raises(ValueError, match="kind='magic'"):
        gallery.sequence("drifting-images", kind="magic")
    with pytest.raises(ValueError, match="there is no sequence"):
        gallery.sequence("drifting-nothing")


def test_sequences_by_name_and_on_the_command_line():
    from resolvent.runs import execute
    from resolvent.runs import plan as plans

    sequence = rv.load_sequence("drifting-points")
    assert sequence.title and len(sequence) == 20
    assert len(plans.open_source(plans.Plan("drifting-points", count=3, size=6))) == 3
    assert execute(plans.Plan("drifting-points", count=2, size=6)).good
