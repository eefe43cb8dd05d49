from __future__ import annotations

from registry.handle import Registry
from registry.host_rates import last_device, measured_rates, null_work, rates, record_rate, score_work
from registry.runs import begin_run


def test_the_last_rate_of_a_kind_of_work_is_the_one_that_is_kept(registry: Registry) -> None:
    with registry.write() as session:
        first, second = (
            begin_run(session, kind="align run", device="cpu", holds_lock=False) for _ in range(2)
        )
        record_rate(session, "a", "cpu", score_work("cka"), 100.0, first)
        record_rate(session, "a", "cpu", null_work("cka"), 50.0, first)
        record_rate(session, "a", "cpu", score_work("cka"), 200.0, second)
        record_rate(session, "b", "cpu", score_work("cka"), 7.0, second)
    with registry.read() as session:
        assert rates(session, "a", "cpu") == {"score cka": 200.0, "null cka": 50.0}
        assert measured_rates(session, "a", "cpu")["score cka"].run_id == second
        assert measured_rates(session, "a", "cpu")["null cka"].run_id == first
        assert rates(session, "a", "cuda:0") == {}


def test_the_device_is_the_one_that_was_measured_last(registry: Registry) -> None:
    with registry.read() as session:
        assert last_device(session, "a") is None
    for device in ("cuda:0", "cpu"):
        with registry.write() as session:
            run_id = begin_run(session, kind="align run", device=device, holds_lock=False)
            record_rate(session, "a", device, score_work("rsa"), 1.0, run_id)
    with registry.read() as session:
        assert last_device(session, "a") == "cpu"
