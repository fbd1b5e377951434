"""Fitting a model so that a killed run goes on and ends with the same weights as one that was never killed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import backend, downloads, files, plugins, seeds
from pellucid.errors import InputError
from pellucid.layers import walk

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass
class Progress:
    """What has been reached: rewritten as a whole after every epoch, and the only file that says which others count."""

    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)


def train(
    *,
    data: Path | str,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    threads: int,
    code: str,
    checkpoints: Path | str,
    folder: Path | str,
    paths: Mapping[str, str] | None = None,
) -> None:
    """Fit an architecture and keep the epoch with the best validation score; of no epochs, the weights it starts from.

    Args:
        data: the folder that `preprocess` wrote.
        model: the experiment's `model` entry: architecture, parameters, checksums.
        training: the experiment's `training` entry.
        seed: of the experiment.
        threads: CPU threads; part of the result.
        code: digest of the code, so that checkpoints of other code are not taken up.
        checkpoints: where the state of each epoch is kept, under the digest of all of the above; a run that finds
            its state there goes on from it. Removed when the training has ended.
        folder: gets `model.keras` (the best epoch), `history.csv` (one row per epoch) and `training.json`.
        paths: the architecture's files, by the parameter that names them.

    Raises:
        InputError: the architecture does not fit the data, a file is another one than the checksum says, or the loss is
            no longer a number.
    """
    folder = Path(folder)
    tf = backend.start(threads)
    import keras

    facts = files.read_json(Path(data) / "data.json")
    weights = _class_weights(facts["counts"]["train"], training["class_weights"])
    batches, validation = _load(Path(data), training["batch_size"], weights, seed)
    versions = {"tensorflow": tf.__version__, "keras": keras.version(), "numpy": np.__version__}
    paths = paths or {}
    digests = {name: downloads.check(path, **downloads.checksums(model, name)) for name, path in paths.items()}
    key = files.digest([facts["digest"], model, digests, training, seed, threads, code, versions])[:16]
    state = Path(checkpoints) / key
    network, progress = _resume(state) or (_build(model, paths, training, facts, seed), Progress())
    if progress.epoch:
        logger.info("going on from epoch %d of %d, found in %s", progress.epoch, training["epochs"], state)
    if progress.epoch < training["epochs"]:
        network.fit(
            batches,
            initial_epoch=progress.epoch,
            epochs=training["epochs"],
            validation_data=validation,
            validation_batch_size=1024,
            # The batches shuffle themselves; Keras would shuffle their order once more, and not the same after a kill.
            shuffle=False,
            callbacks=[_keeper(state, progress, training, seed, batches.begin)],
            verbose=0,
        )
    best = keras.models.load_model(_best(state, progress.best_epoch), compile=False) if progress.epoch else network
    kept = progress.history[progress.best_epoch - 1] if progress.epoch else {}
    files.write(folder / "model.keras", best.save)
    files.write(folder / "history.csv", lambda temporary: temporary.write_text(_table(progress.history)))
    files.write_json(
        folder / "training.json",
        {
            "architecture": model["architecture"],
            "files": {name: {"path": model[name], "sha256": digests[name]} for name in paths},
            "parameters": int(best.count_params()),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "monitor": training["monitor"],
            **{f"best_{name}": value for name, value in kept.items()},
            "weights_digest": files.digest([np.asarray(weight) for weight in best.get_weights()]),
            "versions": versions,
        },
    )
    # Those of other recipes too: they were killed, and then given up.
    shutil.rmtree(checkpoints, ignore_errors=not progress.epoch)
    if progress.epoch:
        logger.info("kept epoch %d of %d: best %s", progress.best_epoch, progress.epoch, training["monitor"])
    else:
        logger.info("no epochs: kept the weights that the model starts from")


def _load(data: Path, batch_size: int, weights: NDArray[np.float32], seed: int) -> tuple[Any, tuple[Any, ...]]:
    import keras

    labels = files.read_arrays(data / "labels.npz")

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        """Training batches in an order that depends on (seed, epoch) alone.

        Keras' own shuffling of arrays draws from a state that a resumed run does not have.
        """

        def __init__(self) -> None:
            super().__init__()
            self.x, self.y = files.map_array(data / "x_train.npy"), labels["train"]
            self.begin(0)

        def begin(self, epoch: int) -> None:
            self.order = seeds.generator(seed, "train", "order", str(epoch)).permutation(len(self.y))

        def __len__(self) -> int:
            return -(-len(self.y) // batch_size)

        def __getitem__(self, index: int) -> tuple[NDArray[Any], ...]:
            chosen = self.order[index * batch_size : (index + 1) * batch_size]
            return self.x[chosen], self.y[chosen], weights[self.y[chosen]]

    held = labels["validation"]
    return Batches(), (np.asarray(files.map_array(data / "x_validation.npy")), held, weights[held])


def _class_weights(counts: Mapping[str, int], choice: str) -> NDArray[np.float32]:
    """Weight per class: 1, or n / (classes · n_class), so that every class weighs the same in sum."""
    sizes = np.array(list(counts.values()), np.float64)
    if choice == "none":
        return np.ones(len(sizes), np.float32)
    # Classes that no example has take no share: of ImageNet's 1,000 a folder may hold two.
    present = np.count_nonzero(sizes)
    balanced: NDArray[np.float32] = (sizes.sum() / (present * np.maximum(sizes, 1))).astype(np.float32)
    return balanced


def _build(
    model: Mapping[str, Any],
    paths: Mapping[str, str],
    training: Mapping[str, Any],
    facts: Mapping[str, Any],
    seed: int,
) -> keras.Model:
    import keras

    # Initialisers without a seed of their own draw from this one.
    keras.utils.set_random_seed(seeds.integer(seed, "train", "initial weights"))
    architecture = plugins.load("models")[model["architecture"]]
    parameters = {name: value for name, value in model.items() if name in architecture.SPEC.parameters}
    parameters |= {name: paths.get(name) for name in architecture.SPEC.files}
    network: keras.Model = architecture.build(tuple(facts["shape"]), len(facts["classes"]), **parameters)
    # What is never fitted is kept as it is built: without an optimizer in the file.
    if training["epochs"]:
        network.compile(
            optimizer=keras.optimizers.Adam(training["learning_rate"]),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
    return network


def _keeper(
    state: Path, progress: Progress, training: Mapping[str, Any], seed: int, begin: Callable[[int], None]
) -> keras.callbacks.Callback:
    import keras

    class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
        """Prepares each epoch from (seed, epoch) alone; keeps the whole state after it, and the best model so far."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            begin(epoch)
            for layer in walk(self.model):
                if generator := getattr(layer, "seed_generator", None):
                    # A loaded model does not know how often the killed one had drawn.
                    value = seeds.integer(seed, "train", layer.name, str(epoch))
                    generator.state.assign(np.array([value, 0], generator.state.dtype))

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            scores = {name: float((logs or {})[name]) for name in COLUMNS}
            if not all(np.isfinite([scores["loss"], scores["val_loss"]])):
                found = f"a loss of {scores['loss']}, on the validation examples of {scores['val_loss']}"
                raise InputError(f"training, epoch {epoch + 1}", found, "numbers", "Lower learning_rate.")
            progress.history.append(scores)
            improved = _better(progress, training["monitor"])
            if improved:
                progress.best_epoch = epoch + 1
                files.write(_best(state, epoch + 1), self.model.save)
            files.write(_last(state, epoch + 1), self.model.save)
            files.write_json(state / "progress.json", {"best_epoch": progress.best_epoch, "history": progress.history})
            _clear(state, {_last(state, progress.epoch), _best(state, progress.best_epoch), state / "progress.json"})
            logger.info("%s%s", self._line(epoch + 1, scores), "  best so far" if improved else "")

        def _line(self, epoch: int, scores: Mapping[str, float]) -> str:
            done = epoch - initial
            left = (time.perf_counter() - self.started) / done * (training["epochs"] - epoch)
            width = len(str(training["epochs"]))
            shown = "  ".join(f"{name} {scores[name]:.4f}" for name in COLUMNS)
            return f"epoch {epoch:{width}}/{training['epochs']}  {shown}  {left:4.0f} s left"

    initial = progress.epoch
    return Keeper()


def _better(progress: Progress, monitor: str) -> bool:
    """Whether the last epoch beats all before it; of equal ones the first is kept."""
    values = [epoch[monitor] for epoch in progress.history]
    sign = -1 if monitor.endswith("loss") else 1
    return len(values) == 1 or sign * values[-1] > max(sign * value for value in values[:-1])


def _last(state: Path, epoch: int) -> Path:
    return state / f"last-{epoch:05}.keras"


def _best(state: Path, epoch: int) -> Path:
    return state / f"best-{epoch:05}.keras"


def _resume(state: Path) -> tuple[keras.Model, Progress] | None:
    """The model and the progress of an earlier run, or None where there is none that can be read."""
    import keras

    try:
        progress = Progress(**files.read_json(state / "progress.json"))
        keras.models.load_model(_best(state, progress.best_epoch), compile=False)
        return keras.models.load_model(_last(state, progress.epoch)), progress
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged archive raises many kinds, and each means the same: begin anew
        logger.warning("the checkpoint in %s cannot be read and is not used: %s", state, error)
        return None


def _clear(state: Path, keep: set[Path]) -> None:
    for path in state.iterdir():
        if path not in keep:
            path.unlink()


def _table(history: list[dict[str, float]]) -> str:
    rows = [",".join(["epoch", *COLUMNS])]
    rows += [",".join([str(epoch), *(repr(row[name]) for name in COLUMNS)]) for epoch, row in enumerate(history, 1)]
    return "\n".join(rows) + "\n"
