from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from compute.verifying import broken_promises, examine_watermarks, set_back
from registry.handle import Registry
from registry.lock import writer_lock
from registry.tables import Alignment, Slot
from tests.compute.states import grid, nulls, scores
from tests.compute.synthetic import SyntheticZoo

SMALL = RunOptions(device="cpu", unit_layer_pairs=9)


@pytest.fixture(params=["all", "across"])
def zoo(request: pytest.FixtureRequest, registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(registry)
    for number in range(5):
        zoo.add(1 + number % 2)
    zoo.add_target(pairs=request.param)
    run_targets(registry, options=SMALL)
    return zoo


def test_a_sound_zoo_keeps_its_promises(zoo: SyntheticZoo) -> None:
    zoo.retire(1)
    with zoo.registry.read() as session:
        assert list(broken_promises(session)) == []
        assert [finding.level for finding in examine_watermarks(session)] == ["ok"]


def test_a_lost_pair_is_found_and_computed_again(zoo: SyntheticZoo) -> None:
    before = scores(zoo.registry), nulls(zoo.registry)
    with zoo.registry.write() as session:
        session.execute(delete(Alignment).where(Alignment.row_slot == 3, Alignment.column_slot == 0))
    with zoo.registry.read() as session:
        assert {(one.slot, one.what, one.promised - one.found) for one in broken_promises(session)} == {
            (3, "scores", 1),
            (3, "nulls", 1),
        }
        (finding,) = examine_watermarks(session)
    assert finding.level == "fail"
    assert "row 3 has" in finding.message
    with writer_lock(zoo.registry, "verify") as writer:
        assert set_back(writer) == 1
    assert make_plan(zoo.registry)[0].pairs > 0
    assert run_targets(zoo.registry, options=SMALL).pairs == 1
    assert (scores(zoo.registry), nulls(zoo.registry)) == before


def test_a_lost_null_is_drawn_again_and_no_score_is_computed(zoo: SyntheticZoo) -> None:
    parts, before = grid(zoo.registry), nulls(zoo.registry)
    none = dict.fromkeys(("null_mean", "null_sd", "tau", "p", "calibrated", "draws"))
    with zoo.registry.write() as session:
        lost = Alignment.row_slot == 4, Alignment.column_slot == 1
        session.execute(update(Alignment).where(*lost).values(none))
    with zoo.registry.read() as session:
        (one,) = broken_promises(session)
    assert (one.slot, one.what) == (4, "nulls")
    with writer_lock(zoo.registry, "verify") as writer:
        set_back(writer)
    with zoo.registry.read() as session:
        assert session.scalar(select(Slot.done_through).where(Slot.slot == 4)) == 4
    run_targets(zoo.registry, options=SMALL)
    assert (grid(zoo.registry), nulls(zoo.registry)) == (parts, before)
