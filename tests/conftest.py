"""What the tests share: TensorFlow started as the workflow starts it, small models, and the place of real data."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid.network import runtime
from tests.support import longest
from tests.support.prepared import prepare

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    place = {name: number for number, name in enumerate(longest.FILES)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


def pytest_collection_finish() -> None:
    """End the session if collecting the tests imported TensorFlow without `runtime.start`: its bits would be others."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow and tensorflow.config.threading.get_inter_op_parallelism_threads() != 1:
        raise pytest.UsageError("A test module imports Keras while it is collected: import it inside the tests.")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed the generators before each test and its fixtures: a model that sets no seed has the same weights each time.

    Keras draws its seeds from `random`. With others in each run, finite differences would cross a ReLU's kink in some.
    """
    random.seed(0)
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that `PELLUCID_REAL_DATA` names; the test is skipped where it is not set."""
    folder = os.environ.get("PELLUCID_REAL_DATA")
    if not folder:
        pytest.skip("PELLUCID_REAL_DATA is not set: no real MIT-BIH and MNIST files to test on")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def keras():
    """Keras on TensorFlow, one thread, deterministic."""
    runtime.start(1)
    import keras

    return keras


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handwritten digits, prepared once for all tests: whoever changes them takes a copy."""
    return prepare(tmp_path_factory.mktemp("digits"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def settled(model, seed=0):
    """Give a model's batch normalisations statistics that are not those of a fresh one."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            size = layer.moving_mean.shape
            layer.gamma.assign(rng.uniform(0.5, 1.5, size))
            layer.beta.assign(rng.normal(0, 0.3, size))
            layer.moving_mean.assign(rng.normal(0, 0.3, size))
            layer.moving_variance.assign(rng.uniform(0.5, 2, size))
    return model


@pytest.fixture(scope="session")
def heartbeat(keras):
    """The heartbeat network for 186 samples and 5 classes, with random weights."""
    from pellucid.models.heartbeat_cnn import build

    keras.utils.set_random_seed(1)
    return settled(build((186, 1), 5))


@pytest.fixture(scope="session")
def multivariate(keras):
    """The multivariate network for 100 × 6 and 4 classes, with random weights."""
    from pellucid.models.multivariate_cnn import build

    keras.utils.set_random_seed(2)
    return settled(build((100, 6), 4))


@pytest.fixture(scope="session")
def digit(keras):
    """The digit network for 8 × 8 and 10 classes, with random weights."""
    from pellucid.models.digit_cnn import build

    keras.utils.set_random_seed(3)
    return build((8, 8, 1), 10)


@pytest.fixture(scope="session")
def gap_series(keras):
    """A small network with global average pooling for 40 × 3 and 4 classes, with random weights."""
    from pellucid.models.gap_cnn import build

    keras.utils.set_random_seed(8)
    return settled(build((40, 3), 4, filters=[6, 5], kernels=[5, 3], pool=2))


@pytest.fixture(scope="session")
def gap_image(keras):
    """The same kind of network for 9 × 8 pixels in 3 colours and 4 classes, with random weights."""
    from pellucid.models.gap_cnn import build

    keras.utils.set_random_seed(9)
    return settled(build((9, 8, 3), 4, filters=[6, 5], kernels=[3, 3]))


@pytest.fixture(scope="session")
def attention(keras):
    """A small LSTM with attention for 42 × 3 and 4 classes, with random weights."""
    from pellucid.models.attention_lstm import build

    keras.utils.set_random_seed(10)
    return build((42, 3), 4, filters=8, kernel=5, pool=4, units=6)


@pytest.fixture(scope="session")
def encoder(keras):
    """A small Transformer encoder for 42 × 3 (the patches are padded) and 4 classes, with random weights."""
    from pellucid.models.transformer import build

    keras.utils.set_random_seed(13)
    return build((42, 3), 4, patch=4, width=8, heads=2, depth=2, hidden=12)


@pytest.fixture(scope="session")
def mil(keras):
    """A small multiple-instance network for 43 × 3 (five windows, the last not full) and 4 classes, random weights."""
    from pellucid.models.mil_cnn import build

    keras.utils.set_random_seed(11)
    return build((43, 3), 4, window=10, filters=6, kernel=3, units=8)


@pytest.fixture(scope="session")
def linear(keras):
    """logits = x · W + b for inputs (12, 3) and 4 classes, with its W (12, 3, 4) and b (4,)."""
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.layers.Input((12, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax", bias_initializer="random_normal"),
        ]
    )
    weights, bias = model.layers[-1].get_weights()
    return model, weights.reshape(12, 3, 4), bias
