"""MIT-BIH's recordings through the workflow: a mirror on this machine, and a real record to its figures."""

import pytest

from pellucid import files
from tests.support import svg, tiny
from tests.support.servers import serving
from tests.support.written_records import write_record, write_sums

pytestmark = pytest.mark.slow

DATA_INFO = "results/mitdb/data/data.json"


def configure(folder, dataset, **settings):
    experiment = {"dataset": {"source": "mitdb", **dataset}, "model": {"architecture": "heartbeat_cnn"}, **settings}
    tiny.write_config(folder, {"run": ["mitdb"], "experiments": {"mitdb": experiment}})


@pytest.fixture
def mirror(tmp_path):
    """A folder with three records, the address at which this machine serves it, and what was asked for."""
    served, asked = tmp_path / "served", []
    for number in (100, 101, 106):
        write_record(served, number, "NNNNVVVV")

    with serving(served, asked) as address:
        yield served, address, asked


def test_a_mirror_whose_transfer_goes_on_with_what_is_missing(tmp_path, mirror):
    served, address, asked = mirror
    folder = tmp_path / "project"
    folder.mkdir()
    write_sums(served)
    configure(folder, {"records": address, "only": [100, 101, 106], "classes": ["N", "V"]}, split={"validation": 0.5})

    kept = served / "101.dat"
    kept.rename(served / "away")
    refused = tiny.snakemake(folder, "--cores", "2", "--keep-going", DATA_INFO)
    assert refused.returncode != 0
    assert f"{address}/101.dat: found no download (404" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (folder / DATA_INFO).exists()

    (served / "away").rename(kept)
    asked.clear()
    tiny.build(folder, DATA_INFO)
    assert asked == ["/101.dat"]
    data_info = files.read_json(folder / DATA_INFO)
    assert data_info["groups"]["test"] == ["100"]
    assert {*data_info["groups"]["train"], *data_info["groups"]["validation"]} == {"101", "106"}


def test_record_100_alone(real_data, tmp_path):
    """Two classes, 22 training beats of one of them: hard enough to be no accident, easy within one patient."""
    dataset = {"records": str(real_data / "mitdb"), "only": [100], "split": "random", "classes": ["N", "S"]}
    dataset["beat_scale"] = "standard"
    configure(
        tmp_path,
        dataset,
        title="Record 100",
        methods={"occlusion": {"window": 43}},
        model={"architecture": "heartbeat_cnn", "batch_norm_momentum": 0.9},
        training={"epochs": 8, "batch_size": 32, "learning_rate": 0.0003, "class_weights": "balanced"},
    )
    figure = "results/mitdb/data/examples.svg"
    tiny.build(tmp_path, figure, "results/mitdb/explain/occlusion/occlusion.png")
    assert files.read_json(tmp_path / "results/mitdb/evaluation/metrics.json")["balanced_accuracy"] > 0.7
    words = " ".join(svg.words(tmp_path / figure))
    assert "Kept: 2,270 of 2,273 annotated beats (2,237 N, 33 S)." in words
    assert "Beats of one patient are in train and in test" in words
