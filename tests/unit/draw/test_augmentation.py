"""The figure of augmented examples: each class, as it is and in three epochs."""

import numpy as np
import pytest

from pellucid import files
from pellucid.config.training_checks import complete
from pellucid.draw.augmentation import draw
from tests.support import svg


@pytest.mark.parametrize(
    ("shape", "channels", "classes", "chosen"),
    [
        ((40, 1), ["lead"], "abc", {"shift": 3, "jitter": 0.1}),
        ((40, 3), ["u", "v", "w"], "ab", {"time_warp": 0.3}),
        ((8, 8, 1), ["ink"], "abcdef", {"rotation": 20}),
        ((8, 9, 3), ["r", "g", "b"], "ab", {"flip": "horizontal", "brightness": 0.2}),
    ],
)
def test_every_class_has_its_example_and_three_copies(tmp_path, rng, shape, channels, classes, chosen):
    kind = "image" if len(shape) == 3 else "series"
    data_info = {
        "kind": kind,
        "classes": list(classes),
        "channels": channels,
        "unit": "mV",
        "sampling_rate_hz": 10.0 if kind == "series" else None,
    }
    files.write_json(tmp_path / "data.json", data_info)
    files.write_array(tmp_path / "x.npy", rng.normal(0, 1, (20, *shape)).astype(np.float32))
    files.write_arrays(tmp_path / "labels.npz", {"train": np.arange(20) % len(classes)})
    pictures = [str(tmp_path / "a.svg"), str(tmp_path / "a.png")]
    draw(
        data=tmp_path / "data.json",
        x=tmp_path / "x.npy",
        labels=tmp_path / "labels.npz",
        settings=complete({"augmentation": chosen})["augmentation"],
        seed=1,
        title="A title",
        pictures=pictures,
    )
    words = svg.words(tmp_path / "a.svg")
    assert {"original", "epoch 1", "epoch 2", "epoch 3", "A title", *classes} <= set(words)
    assert any(word.startswith("Augmentation: " + next(iter(chosen))) for word in words)
