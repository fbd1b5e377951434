"""The memory and the time that a job asks a cluster for: `mem_mb` and `runtime` of every rule.

They come from the configuration and from the size of the files that a job reads, as far as these exist already.
`COSTS` was measured on the experiments that ship (Linux, one thread): no job took more memory than its estimate.
On one machine nothing waits for them, unless Snakemake is told so (`--resources mem_mb=16000`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pellucid.config import stored_sizes
from pellucid.config.resolution import Config


@dataclass(frozen=True)
class Cost:
    """What jobs of a kind take.

    Attributes:
        memory_mb: of the imports, the model and small data.
        minutes: with small data.
        copies: how often the job holds the files that it reads in memory.
        batches: whether it fills the `memory_mb` of the configuration.
        seconds_per_mb: of the files that it reads.
    """

    memory_mb: int
    minutes: int
    copies: float = 1
    batches: bool = False
    seconds_per_mb: float = 1


COSTS = {
    "download": Cost(300, 240, copies=0),
    # A source may keep memory_mb, and what is more waits on disk.
    "prepare": Cost(400, 20, copies=2, batches=True, seconds_per_mb=5),
    # A model is read as a file and copied into variables; a method takes its gradients, too.
    "network": Cost(800, 30, copies=3, batches=True, seconds_per_mb=60),
    # The seconds are those of one epoch; 1.3 to 2.5 were measured.
    "training": Cost(900, 20, seconds_per_mb=5),
    "table": Cost(400, 10, copies=2),
    "figure": Cost(400, 10, copies=2),
    "page": Cost(600, 10, copies=4),
    "record": Cost(1200, 20, copies=1),
}
# Weights, gradients, two moments of the optimiser, the best weights, and the file that is being read.
_TRAINED_COPIES = 6
# Activations of all layers with their gradients, in multiples of the input: 2 × 58 MB for 0.6 MB in VGG16.
_ACTIVATIONS = 200
# Longer than any partition allows would never start: a training goes on from its checkpoint in the next try.
_LONGEST_MINUTES = 24 * 60
# A cluster counts all processes of a job: beside the script, the Snakemake that starts it on the node (236 MB).
_SNAKEMAKE_MB = 250
_MB = 2**20


def memory_mb(config: Config, kind: str, inputs: Iterable[str], attempt: int = 1) -> int:
    """Return the memory of a job, in MB.

    Args:
        config: the resolved configuration.
        kind: a key of `COSTS`.
        inputs: the files that the job reads; those that do not exist yet count nothing.
        attempt: a job that failed is tried again with as much more.
    """
    cost = COSTS[kind]
    batches = config.memory_mb if cost.batches else 0
    return attempt * math.ceil(_SNAKEMAKE_MB + cost.memory_mb + batches + cost.copies * _size_mb(inputs))


def minutes(config: Config, kind: str, inputs: Iterable[str], attempt: int = 1) -> int:
    """Return the time of a job, in minutes. Arguments as in `memory_mb`."""
    cost = COSTS[kind]
    return _within_a_day(attempt * (cost.minutes + cost.seconds_per_mb * _size_mb(inputs) / 60))


def training_memory_mb(
    batch_size: int, x_train: str, model_files: Iterable[str], attempt: int = 1, others: Collection[str] = ()
) -> int:
    """Return the memory of a training, in MB: of a model's files, the examples, and the activations of a batch.

    Args:
        batch_size: of the training.
        x_train: file of the training examples; as long as it does not exist, it counts nothing.
        model_files: of a model that begins with weights from elsewhere.
        attempt: a job that failed is tried again with as much more.
        others: files of the same examples' other inputs, where there are several.
    """
    model, batch = _TRAINED_COPIES * _size_mb(model_files), _ACTIVATIONS * batch_size * _example_mb(x_train, others)
    alone = COSTS["training"].memory_mb + _size_mb([x_train, *others])
    return attempt * math.ceil(_SNAKEMAKE_MB + alone + model + batch)


def training_minutes(epochs: int, x_train: str, attempt: int = 1, others: Collection[str] = ()) -> int:
    """Return the time of a training, in minutes. Arguments as in `training_memory_mb`."""
    seconds = epochs * COSTS["training"].seconds_per_mb * _size_mb([x_train, *others])
    return _within_a_day(attempt * (COSTS["training"].minutes + seconds / 60))


def _within_a_day(time: float) -> int:
    return min(_LONGEST_MINUTES, math.ceil(time))


def _size_mb(paths: Iterable[str]) -> float:
    return sum(map(stored_sizes.size_of, paths)) / _MB


def _example_mb(array: str, others: Iterable[str] = ()) -> float:
    """Return the size of one example of a file of examples, with its other inputs; 0 where it is not made yet."""
    if not (example := stored_sizes.example_bytes(array)):
        return 0
    examples = max(stored_sizes.size_of(array) // example, 1)
    return example / _MB + _size_mb(others) / examples
