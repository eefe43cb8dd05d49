"""The benchmark of all pairs runs, agrees with the reference, and needs torch and numpy alone on a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.large import many_layers, neighbours_row
from benchmarks.made_up import K, made_up_lists, made_up_zoo
from benchmarks.measuring import Row
from benchmarks.reference import REFERENCE
from benchmarks.released import released
from benchmarks.table import table
from benchmarks.whole_zoo import all_pairs, metric_of, pair_count, stored_zoo

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "all_pairs.py"
TINY = ("--checkpoints", "2", "--layers", "2", "--items", "64", "--width", "16", "--pairs", "2")
KEYS = {
    "metric",
    "start",
    "layers",
    "n",
    "seconds",
    "cpu_seconds",
    "reference_seconds_per_pair",
    "reference_pairs",
    "ratio",
    "peer",
    "peer_cpu_seconds",
    "peer_ratio",
    "peak_rss_mb",
    "share_of_peak",
}
# What a bare GPU machine lacks: what the project asks for beside torch and numpy.
LACKING = ["alembic", "click", "duckdb", "filelock", "fsspec", "jinja2", "PIL", "pyarrow", "pytz", "rich"]
LACKING += ["safetensors", "scipy", "sklearn", "sqlalchemy", "vl_convert", "huggingface_hub", "numba", "timm"]
LACKING += ["tokenizers", "torchvision", "transformers", "cka", "ckatorch", "rsatoolbox"]
BARE = f"""
import runpy, sys

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LACKING!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Lacking())
sys.argv[0] = {str(SCRIPT)!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def printed(*command: str) -> tuple[dict[str, Any], str]:
    """Return the JSON that the benchmark prints and what it says beside."""
    done = subprocess.run(
        [sys.executable, *command, "--format", "json"],
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_the_rows_have_all_keys_and_agree_with_the_reference() -> None:
    result, _ = printed(str(SCRIPT), *TINY, "--parts", "pairs", "--metrics", "mutual_knn,unbiased_cka")
    rows = result["rows"]
    found = [(row["metric"], row["start"], row["peer"] is not None) for row in rows]
    assert found == [
        ("mutual_knn", "features", False),
        ("mutual_knn", "lists", False),
        ("unbiased_cka", "features", True),
        ("unbiased_cka", "features", True),
        ("unbiased_cka", "lists", False),
    ]
    for row in rows:
        assert set(row) >= KEYS
        assert (row["layers"], row["n"], row["reference_pairs"]) == (4, 64, 12)
        assert row["ratio"] > 0
        assert row["largest_difference"] < 1e-4  # the reference adds 1e-6 to an HSIC of about 0.1
    assert all(row["peer_ratio"] > 0 for row in rows if row["peer"])
    assert result["peak_gflops"] > 0


def test_a_machine_with_torch_and_numpy_alone_runs_the_gpu_path() -> None:
    asked = ("--metrics", "mutual_knn,cycle_knn,cknna,unbiased_cka,svcca", "--device", "cpu:0")
    result, said = printed("-c", BARE, *TINY, *asked)
    done = {row["metric"] for row in result["rows"]}
    assert done == {"mutual_knn", "cycle_knn", "cknna", "unbiased_cka", "svcca"}
    assert all(row["peer"] is None for row in result["rows"])
    for left_out in ("clip: left out", "svcca: the reference was not timed", "pytorch-cka was not timed"):
        assert left_out in said


def test_one_start_is_timed_and_a_folder_without_the_released_code_passed_over(tmp_path: Path) -> None:
    asked = (
        "--metrics",
        "cka",
        "--start",
        "lists",
        "--parts",
        "pairs,one-more",
        "--reference",
        str(tmp_path),
    )
    result, said = printed(str(SCRIPT), *TINY, *asked)
    assert f"the released code at {tmp_path} was not timed: {tmp_path} holds no metrics.py" in said
    works = [(row["metric"], row["work"], row["start"]) for row in result["rows"]]
    assert works == [("cka", "all pairs", "lists"), ("mutual_knn", "one more of 50", "lists")]
    assert result["rows"][0]["ratio"] is None
    assert result["rows"][1]["ratio"] > 0


def test_the_released_code_is_called_as_its_folder_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metrics.py").write_text(
        "import torchaudio.functional as TAF\n"
        "print('said when it is imported')\n"
        "class AlignmentMetrics:\n"
        "    @staticmethod\n"
        "    def measure(metric, left, right, **keywords):\n"
        "        assert (metric, keywords) == ('lcs_knn', {'topk': 10})\n"
        "        return torch.tensor(2.5)\n"
        "import torch\n",
        encoding="utf-8",
    )
    before = set(sys.modules)
    try:
        functions = released(tmp_path)
    finally:
        for name in {*sys.modules} - before:
            if name.partition(".")[0] in ("metrics", "torchaudio"):
                del sys.modules[name]
    layer = torch.zeros((4, 2))
    assert functions["lcs_knn_prh"](layer, layer) == 2.5
    assert functions["lcs_knn"](layer, layer) == 0.25
    assert capsys.readouterr().out == ""  # what it prints would spoil the JSON


# The prh metrics have the reference's epsilon; of the others it is small where kernels are large.
# Features are float32 in the reference: 1e-5 is what its sums of 96 x 96 entries lose.
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("mutual_knn", 1e-6),
        ("jaccard_knn", 1e-6),
        ("cycle_knn", 1e-6),
        ("lcs_knn", 1e-6),
        ("lcs_knn_prh", 1e-6),
        ("edit_distance_knn", 1e-6),
        ("cka", 1e-5),
        ("cka_prh", 1e-5),
        ("unbiased_cka_prh", 1e-5),
        ("cka_rbf", 1e-5),
        ("cka_rbf_prh", 1e-5),
        ("cknna_prh", 1e-4),
    ],
)
def test_the_engine_gives_the_scores_of_the_reference(name: str, tolerance: float) -> None:
    zoo = made_up_zoo(2, 3, 96, 24, "cpu", seed=3)
    metric = metric_of(name)
    scores = all_pairs(metric, stored_zoo(name, zoo), "cpu") / metric.scale(zoo.n)
    layers = zoo.flat
    for i in range(3, 6):
        for j in range(3):
            assert abs(scores[0, i, j] - REFERENCE[name](layers[i], layers[j])) <= tolerance


def test_the_reference_is_called_once_for_each_pair_and_twice_where_directions_differ() -> None:
    assert pair_count("cka", 8, 12) == 5_184
    assert pair_count("cycle_knn", 8, 12) == 96 * 96


def test_made_up_lists_hold_different_other_items() -> None:
    for lists in made_up_lists(2, 3, 50, seed=1):
        ordered = np.sort(lists.astype(np.int64), axis=2)
        assert lists.shape == (3, 50, K)
        assert (np.diff(ordered, axis=2) > 0).all()
        assert (lists != np.arange(50)[None, :, None]).all()
        assert lists.max() < 50


def test_made_up_layers_near_each_other_are_alike() -> None:
    layers = made_up_zoo(2, 6, 64, 32, "cpu").features[0]
    near, far = ((layers[0] * layers[other]).sum(dim=1).mean() for other in (1, 5))
    assert torch.allclose(layers.norm(dim=2), torch.ones(6, 64), atol=1e-6)
    assert near > far > 0.1


def test_the_rows_that_want_a_gpu_run_on_its_path() -> None:
    rows = [*many_layers(2, 64, "cpu:0", 1e11), neighbours_row(300, 16, "cpu", 1e11)]
    assert [(row.metric, row.work, row.layers) for row in rows] == [
        ("mutual_knn", "all pairs", 48),
        ("mutual_knn", "500 draws", 48),
        ("cka", "all pairs", 48),
        ("neighbours", "of one layer", 1),
    ]
    assert all(row.seconds > 0 and row.share_of_peak is not None for row in rows)


def test_a_target_that_was_missed_is_marked() -> None:
    row = Row("cka", "all pairs", "features", 96, 1024, 3.0, 2.5, ratio=200.0, target=300.0, most_seconds=2.0)
    line = table([row]).splitlines()[1]
    assert "200!" in line
    assert "3.000!" in line
    assert "asked: at most 2.0 s" in line
