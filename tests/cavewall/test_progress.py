from __future__ import annotations

import json
import logging

import pytest

from cavewall.invocation import Invocation
from cavewall.logs import logging_of
from cavewall.progress import Lines, progress


class Watch:
    def __init__(self) -> None:
        self.moment = 0.0

    def __call__(self) -> float:
        return self.moment


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_phase_says_its_beginning_each_minute_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()
    lines = Lines({"device": "cpu"}, watch)
    with caplog.at_level(logging.INFO, "cavewall.progress"):
        for second in range(161):
            watch.moment = float(second)
            lines("null", second, 160)
    assert said(caplog) == [
        "phase=null done=0 total=160 device=cpu",
        "phase=null done=60 total=160 rate=1/s eta=100s device=cpu",
        "phase=null done=120 total=160 rate=1/s eta=40s device=cpu",
        "phase=null done=160 total=160 rate=1/s device=cpu",
    ]


def test_the_end_of_a_phase_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    lines = Lines({}, Watch())
    with caplog.at_level(logging.INFO, "cavewall.progress"):
        for done in (0, 3, 3, 3):
            lines("align", done, 3)
    assert said(caplog) == ["phase=align done=0 total=3", "phase=align done=3 total=3"]


def test_lines_carry_an_iso_time_and_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_of(Invocation()), progress(run=58) as report:
        report("align", 0, 160)
    spoken = capsys.readouterr()
    assert spoken.out == ""
    moment, level, text = spoken.err.split(maxsplit=2)
    assert len(moment) == len("2026-11-23T02:00:03Z")
    assert moment.endswith("Z")
    assert level == "INFO"
    assert text == "phase=align done=0 total=160 run=58\n"


def test_json_lines_hold_the_facts_as_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_of(Invocation(log_format="json")), progress() as report:
        report("align", 0, 160)
    line = json.loads(capsys.readouterr().err)
    assert line["phase"] == "align"
    assert line["total"] == 160
    assert line["level"] == "INFO"
