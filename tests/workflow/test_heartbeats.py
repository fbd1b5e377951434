"""Real heartbeats, given by a path and by a file:// address on the command line, to the figures of five classes."""

import numpy as np
import pytest

from pellucid import files
from tests.conftest import ROOT
from tests.support import svg, tiny


@pytest.mark.slow
def test_real_heartbeats_by_name(real_data, tmp_path):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    here = real_data / "mitbih"
    dataset = f"train: {here / 'mitbih_train.csv'}, train_sha256: none, test: {(here / 'mitbih_test.csv').as_uri()}, test_sha256: none"
    experiment = f"model: {{batch_norm_momentum: 0.9}}, training: {{epochs: 8, batch_size: 16}}, dataset: {{{dataset}}}"
    pictures = [f"results/mitbih/explain/{method}/{method}.svg" for method in ("saliency", "occlusion", "grad_cam")]
    tiny.build(tmp_path, *pictures, "--config", "run=[mitbih]", f"experiments={{mitbih: {{{experiment}}}}}")
    assert files.read_json(tmp_path / "results/mitbih/evaluation/metrics.json")["accuracy"] > 0.4
    assert files.read_json(tmp_path / "results/mitbih/data/data.json")["shape"] == [186, 1]
    for picture in pictures:
        words = svg.words(tmp_path / picture)
        for name in "NSVFQ":
            assert any(word.startswith(f"{name}, p = ") for word in words), (picture, name)
    examples = files.read_arrays(tmp_path / "results/mitbih/examples.npz")
    np.testing.assert_array_equal(np.unique(examples["labels"]), np.arange(5))
