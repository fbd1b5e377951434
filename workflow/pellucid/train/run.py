"""Fitting a model so that a killed run goes on and ends with the same weights as one that was never killed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import downloads, files, plugins, seeds
from pellucid.config import model_classes
from pellucid.config.training import active_augmentations, complete
from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.network import dtype_policy, finite, runtime, same_function
from pellucid.network.layers import seed_states, walk
from pellucid.train import augmentation, input_scale, loss_faults, recipe, schedule

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SCORES = ("loss", "accuracy", "balanced_accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy")
# Those that the log shows, with the one that is monitored.
SHOWN = ("loss", "accuracy", "val_loss", "val_accuracy")
# The learning rate is that of an epoch's last step.
COLUMNS = (*SCORES, "learning_rate")
# Of a batch of validation examples, at most.
_HELD_EXAMPLES, _HELD_BYTES = 1024, 4 * 2**20


@dataclass
class Progress:
    """What has been reached: rewritten as a whole after every epoch, and the only file that says which others count."""

    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    # Class scores of a few inputs, by which a file that is loaded is known to hold the network that was saved.
    best_scores: list[list[float]] = field(default_factory=list)
    last_scores: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0  # of all epochs
    # SHA-256 of the files that count, by name: class scores do not show what the optimizer remembers.
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)


def train(
    *,
    x_train: Path | str,
    x_validation: Path | str,
    labels: Path | str,
    measured: Path | str,
    data_info: Path | str,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    threads: int,
    code: str,
    checkpoints: Path | str,
    folder: Path | str,
    paths: Mapping[str, str] | None = None,
    permuted: bool = False,
) -> None:
    """Fit an architecture and keep the epoch with the best validation score; of no epochs, the weights it starts from.

    Args:
        x_train, x_validation: `x_train.npy` and `x_validation.npy`.
        labels: `labels.npz`.
        measured: `measured.npz`.
        data_info: `data.json`.
        model: the experiment's `model` entry: architecture, parameters, checksums.
        training: the experiment's `training` entry; keys that are absent have their defaults.
        seed: of the experiment.
        threads: CPU threads; part of the result.
        code: digest of the code, so that checkpoints of other code are not taken up.
        checkpoints: where the state of each epoch is kept, under the digest of all of the above; a run that finds
            its state there goes on from it. Removed when the training has ended.
        folder: gets `model.keras` (the best epoch), `history.csv` (one row per epoch), `training.json` and `cost.json`
            (seconds of all epochs, also of those before a kill).
        paths: the architecture's files, by the parameter that names them.
        permuted: train on labels that are dealt out anew among the training examples, which mean nothing then; those
            of the validation examples stay. `training.json` says how many of them the model kept has memorised.

    Raises:
        InputError: the architecture or the augmentation does not fit the data, a file is another one than the checksum
            says, a weight is no number, or a loss is no longer one: the training ends there, for its best epoch so far
            would be one of a training that failed.
    """
    folder, training = Path(folder), complete(training)
    tf = runtime.start(threads)
    import keras

    data = files.read_json(data_info)
    augmentation.check(training["augmentation"], tuple(data["shape"]))
    weights = recipe.class_weights(data["counts"]["train"], training["class_weights"])
    x = {"train": x_train, "validation": x_validation}
    fitted, validation = _load(x, labels, measured, training["batch_size"], weights, seed, permuted)
    batches = fitted
    if active_augmentations(training["augmentation"]):
        batches = augmentation.augmented(fitted, training["augmentation"], seed, fitted.measured)
    versions = {"tensorflow": tf.__version__, "keras": keras.version(), "numpy": np.__version__}
    paths = paths or {}
    digests = {name: downloads.check(path, **downloads.checksums(model, name)) for name, path in paths.items()}
    ingredients = [data["digest"], model, digests, training, seed, threads, code, versions]
    key = files.digest([*ingredients, "permuted"] if permuted else ingredients)[:16]
    state = Path(checkpoints) / key
    safe = not model.get("allow_code", False)

    def anew() -> keras.Model:
        return recipe.prepared(_build(model, paths, training, data, seed), training)

    network, progress = _resume(state, training, safe) or (anew(), Progress())
    notes = _notes(network, model, data, x_train)
    if model_classes.keeps_outputs(model, training["epochs"]):
        logger.info("%s", model_classes.order(data["classes"]))
    if progress.epoch:
        logger.info("going on from epoch %d of %d, found in %s", progress.epoch, training["epochs"], state)

    def before(epoch: int) -> keras.Model:
        return keras.models.load_model(_last(state, epoch), compile=False, safe_mode=safe) if epoch else anew()

    if not _ended(progress, training):
        # Some layers draw from Python's generator while they are traced.
        keras.utils.set_random_seed(seeds.integer(seed, "train", "tracing"))
        network.fit(
            batches,
            initial_epoch=progress.epoch,
            epochs=training["epochs"],
            validation_data=validation,
            # The batches shuffle themselves; Keras would shuffle their order once more, and not the same after a kill.
            shuffle=False,
            callbacks=[_keeper(state, progress, training, seed, batches, before, (fitted, validation))],
            verbose=0,
        )
    best = network
    if progress.epoch:
        best = keras.models.load_model(_best(state, progress.best_epoch), compile=False, safe_mode=safe)
        _hold(best, progress.best_scores, "saving and loading its best epoch")
    if training["precision"] != "float32" and progress.epoch:
        # What is explained is computed in float32, whatever it was trained in.
        best = dtype_policy.recast(best, "float32")
    kept = progress.history[progress.best_epoch - 1] if progress.epoch else {}
    files.write(folder / "model.keras", best.save)
    kept_answers = same_function.answers(best)
    loaded = keras.models.load_model(folder / "model.keras", compile=False, safe_mode=safe)
    same_function.hold(kept_answers, loaded, "saving and loading it", f"model {best.name}")
    files.write(folder / "history.csv", lambda temporary: temporary.write_text(_table(progress.history)))
    files.write_json(
        folder / "training.json",
        {
            "architecture": model["architecture"],
            "origin": _origin(model, paths, progress.epoch),
            "files": {name: {"path": model.get(name, path), "sha256": digests[name]} for name, path in paths.items()},
            # What `ExplainedModel.load` needs to know to load the model again.
            **({} if safe else {"allow_code": True}),
            "parameters": int(best.count_params()),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            # All of them, or early_stopping.
            "ended_by": _ended(progress, training),
            "loss": training["loss"],
            "monitor": training["monitor"],
            **{f"best_{name}": value for name, value in kept.items()},
            **(_memorised(best, fitted) if permuted else {}),
            "weights_digest": files.digest([np.asarray(weight) for weight in best.get_weights()]),
            "versions": versions,
            **({"notes": notes} if notes else {}),
        },
    )
    files.write_json(folder / "cost.json", {"seconds": round(progress.seconds, 2), "epochs": progress.epoch})
    # Those of other recipes too: they were killed, and then given up.
    shutil.rmtree(checkpoints, ignore_errors=not progress.epoch)
    if _ended(progress, training) == "early_stopping":
        logger.info(
            "stopped early: %d epochs without a better %s", training["early_stopping"]["patience"], training["monitor"]
        )
    if progress.epoch:
        logger.info("kept epoch %d of %d: best %s", progress.best_epoch, progress.epoch, training["monitor"])
    else:
        logger.info("no epochs: kept the weights that the model starts from")


def _origin(model: Mapping[str, Any], paths: Mapping[str, str], epochs: int) -> str:
    """Where the weights come from: "trained", "fine-tuned", "as they are in the file" or "random"."""
    spec = plugins.spec("models", model["architecture"])
    if spec.opaque or any(name in paths for name in spec.files):
        return "fine-tuned" if epochs else "as they are in the file"
    return "trained" if epochs else "random"


def _load(
    x: Mapping[str, Path | str],
    labels: Path | str,
    measured: Path | str,
    batch_size: int,
    weights: NDArray[np.float32],
    seed: int,
    permuted: bool = False,
) -> tuple[Any, Any]:
    import keras

    classes, where_measured = files.read_arrays(labels), files.map_arrays(measured)

    # One worker: Keras has tf.data fetch the next batches meanwhile, and the order is kept.
    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        """Batches of a mapped file: those of train in an order that depends on (seed, epoch) alone.

        Keras' own shuffling of arrays draws from a state that a resumed run does not have.
        """

        def __init__(self, split: str, size: int) -> None:
            super().__init__()
            self.x, self.y, self.size = files.map_array(x[split]), classes[split], size
            self.where_measured = where_measured.get(split)
            self.order = np.arange(len(self.y))
            if permuted and split == "train":
                self.y = seeds.generator(seed, "train", "permuted labels").permutation(self.y)

        def begin(self, epoch: int) -> None:
            self.order = seeds.generator(seed, "train", "order", str(epoch)).permutation(len(self.y))

        def __len__(self) -> int:
            return -(-len(self.y) // self.size)

        def __getitem__(self, index: int) -> tuple[NDArray[Any], ...]:
            chosen = self.order[index * self.size : (index + 1) * self.size]
            return self.x[chosen], self.y[chosen], weights[self.y[chosen]]

        def measured(self, index: int) -> NDArray[np.bool_] | None:
            chosen = self.order[index * self.size : (index + 1) * self.size]
            return None if self.where_measured is None else self.where_measured[chosen]

    fitted = Batches("train", batch_size)
    fitted.begin(0)
    # A pass forward has room for more than a step of training; of large examples only as many as that.
    held = min(_HELD_EXAMPLES, _HELD_BYTES // fitted.x[:1].nbytes)
    return fitted, Batches("validation", max(batch_size, held))


def _memorised(model: keras.Model, batches: Any) -> dict[str, float]:
    """The share of permuted training labels that a model says, and what the most frequent class alone would reach."""
    said = np.concatenate([model.predict_on_batch(batches[index][0]).argmax(1) for index in range(len(batches))])
    right = said == batches.y[batches.order]
    return {"memorised": float(right.mean()), "chance": float(np.bincount(batches.y).max() / len(batches.y))}


def _build(
    model: Mapping[str, Any],
    paths: Mapping[str, str],
    training: Mapping[str, Any],
    data_info: Mapping[str, Any],
    seed: int,
) -> keras.Model:
    import keras

    # Initialisers without a seed of their own draw from this one.
    keras.utils.set_random_seed(seeds.integer(seed, "train", "initial weights"))
    architecture = plugins.load("models")[model["architecture"]]
    parameters = plugins.own_parameters(model, architecture)
    parameters |= {name: paths.get(name) for name in architecture.SPEC.files}
    network: keras.Model = architecture.build(tuple(data_info["shape"]), len(data_info["classes"]), **parameters)
    finite.require_weights(network, next(iter(paths.values()), f"model {model['architecture']}"))
    if training["epochs"] and not network.trainable_weights:
        raise InputError.unexpected(
            "training.epochs", f"{training['epochs']}, and no weights to fit", "0, or less that is frozen"
        )
    return network


def _notes(
    network: keras.Model, model: Mapping[str, Any], data_info: Mapping[str, Any], training: Path | str
) -> list[str]:
    """What contradicts the data in a model whose range the config can say, a sentence each; also logged."""
    declared = plugins.parameters(plugins.load("models")[model["architecture"]])
    keys = [key for key in ("input_range", "white") if key in declared]
    try:
        found = [
            note for key in keys if (note := input_scale.contradiction(network, training, data_info, f"model.{key}"))
        ]
    except Exception as error:  # a layer that cannot be called by itself: the model can be explained all the same
        logger.info("the first layers cannot be compared with the data: %s", first_line(error))
        return []
    for note in found:
        logger.warning("%s", note)
    return found


def _ended(progress: Progress, training: Mapping[str, Any]) -> str:
    """What has ended the training, or nothing as long as it is to go on."""
    if progress.epoch >= training["epochs"]:
        return "epochs"
    stopped = schedule.exhausted(progress.history, training["monitor"], training["early_stopping"]["patience"])
    return "early_stopping" if stopped else ""


def _keeper(
    state: Path,
    progress: Progress,
    training: Mapping[str, Any],
    seed: int,
    batches: Any,
    before: Callable[[int], keras.Model],
    examples: tuple[Any, Any],
) -> keras.callbacks.Callback:
    import keras

    class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
        """Prepares each epoch from (seed, epoch) alone; keeps the whole state after it, and the best model so far."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.started = time.perf_counter()
            self.seconds_before = progress.seconds
            self.rate = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.first = epoch * len(batches)
            batches.begin(epoch)
            for layer in walk(self.model):
                # Those of a nested model are its layers'.
                for number, state in enumerate([] if hasattr(layer, "layers") else seed_states(layer)):
                    # A loaded model does not know how often the killed one had drawn.
                    own = (layer.name, str(number)) if number else (layer.name,)
                    state.assign(np.array([seeds.integer(seed, "train", *own, str(epoch)), 0], state.dtype))

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rate = schedule.learning_rate(training, self.first + batch, len(batches), progress.history)
            if rate != self.rate:
                self.model.optimizer.learning_rate.assign(rate)
                self.rate = rate

        def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
            loss_faults.require_step(
                epoch := self.first // len(batches), batch, logs, examples[0], lambda: before(epoch)
            )

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            scores = {name: float((logs or {})[name]) for name in SCORES}
            loss_faults.require_epoch(epoch, scores, self.model, examples[1])
            progress.history.append({**scores, "learning_rate": self.rate})
            progress.seconds = self.seconds_before + time.perf_counter() - self.started
            improved = _better(progress, training["monitor"])
            # JSON has no infinity.
            progress.last_scores = np.nan_to_num(same_function.answers(self.model).scores).tolist()
            if improved:
                progress.best_epoch, progress.best_scores = epoch + 1, progress.last_scores
                files.write(_best(state, epoch + 1), self.model.save)
            files.write(_last(state, epoch + 1), self.model.save)
            counting = {_last(state, epoch + 1), _best(state, progress.best_epoch)}
            progress.digests = {path.name: progress.digests.get(path.name) or files.sha256(path) for path in counting}
            content = asdict(progress)
            files.write_json(state / "progress.json", {**content, "digest": files.digest(content)})
            _clear(state, {_last(state, progress.epoch), _best(state, progress.best_epoch), state / "progress.json"})
            logger.info("%s%s", self._line(epoch + 1, scores), "  best so far" if improved else "")
            self.model.stop_training = bool(_ended(progress, training))

        def _line(self, epoch: int, scores: Mapping[str, float]) -> str:
            done = epoch - initial
            left = (time.perf_counter() - self.started) / done * (training["epochs"] - epoch)
            width = len(str(training["epochs"]))
            names = dict.fromkeys((*SHOWN, training["monitor"]))
            shown = "  ".join(f"{name} {scores[name]:.4f}" for name in names)
            return f"epoch {epoch:{width}}/{training['epochs']}  {shown}  {left:4.0f} s left"

    initial = progress.epoch
    return Keeper()


def _better(progress: Progress, monitor: str) -> bool:
    """Whether the last epoch beats all before it; of equal ones the first is kept."""
    values = schedule.scores(progress.history, monitor)
    return len(values) == 1 or values[-1] > max(values[:-1])


def _last(state: Path, epoch: int) -> Path:
    return state / f"last-{epoch:05}.keras"


def _best(state: Path, epoch: int) -> Path:
    return state / f"best-{epoch:05}.keras"


def _resume(state: Path, training: Mapping[str, Any], safe: bool = True) -> tuple[keras.Model, Progress] | None:
    """The model and the progress of an earlier run, or None where there is none that can be read."""
    import keras

    from pellucid.train.losses import BalancedAccuracy, Objective

    try:
        content = files.read_json(state / "progress.json")
        if content.pop("digest", None) != files.digest(content):
            raise ValueError("progress.json was damaged")
        progress = Progress(**content)
        for path in (_best(state, progress.best_epoch), _last(state, progress.epoch)):
            if files.sha256(path) != progress.digests.get(path.name):
                raise ValueError(f"{path.name} was damaged")
        keras.models.load_model(_best(state, progress.best_epoch), compile=False, safe_mode=safe)
        own = {kind.__name__: kind for kind in (Objective, BalancedAccuracy)}
        network = keras.models.load_model(_last(state, progress.epoch), custom_objects=own, safe_mode=safe)
        _hold(network, progress.last_scores, "saving and loading its last epoch")
        # Compiled anew: a loaded optimizer no longer knows which weights do not decay.
        return recipe.compiled(network, training, network.optimizer.variables), progress
    except FileNotFoundError:
        return None
    except Exception as error:  # a damaged archive raises many kinds, and each means the same: begin anew
        logger.warning("the checkpoint in %s cannot be read and is not used: %s", state, error)
        return None


def _hold(network: keras.Model, scores: list[list[float]], step: str) -> None:
    """Compare a network that was loaded with the class scores of the one that was saved."""
    answers = same_function.answers(network)
    now, where = np.nan_to_num(answers.scores), f"model {network.name}"
    same_function.hold_scores(np.array(scores), now, step, where, epsilon=answers.epsilon)


def _clear(state: Path, keep: set[Path]) -> None:
    for path in state.iterdir():
        if path not in keep:
            path.unlink()


def _table(history: list[dict[str, float]]) -> str:
    rows = [",".join(["epoch", *COLUMNS])]
    rows += [",".join([str(epoch), *(repr(row[name]) for name in COLUMNS)]) for epoch, row in enumerate(history, 1)]
    return "\n".join(rows) + "\n"
