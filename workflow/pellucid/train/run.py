"""Fit a model so that a killed run goes on and ends with the same weights as one that was never killed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import devices, downloads, files, plugins, seeds
from pellucid.config import model_classes
from pellucid.config.training_keys import TrainingSettings
from pellucid.data_info import DataInfo, shapes_of
from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.models.base import for_task
from pellucid.network import dtype_policy, finite, runtime, same_function
from pellucid.tasks import REGRESSION, SINGLE_LABEL
from pellucid.train import augmentation, input_scale, value_head
from pellucid.train.carried_code import carried_code
from pellucid.train.checkpoint_store import CheckpointStore
from pellucid.train.checkpoints import Checkpoints, Progress, log_end
from pellucid.train.compile import class_weights, ready_to_fit
from pellucid.train.objective import Objective
from pellucid.train.random_labels import memorised_share

if TYPE_CHECKING:
    import keras

    from pellucid.train.batches import Batches

logger = logging.getLogger(__name__)


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
    others: Mapping[str, Path | str] | None = None,
    checkpoint_store: str | None = None,
) -> None:
    """Fit a model and write the epoch with the best monitored score; without epochs, the weights that it starts with.

    Args:
        x_train, x_validation, labels, measured, data_info: files of the prepared data.
        model: the experiment's `model` entry: architecture, parameters, checksums.
        training: the experiment's `training` entry, complete.
        seed: of the experiment.
        threads: CPU threads; they change the result.
        code: digest of the code; checkpoints of other code are not used.
        checkpoints: folder of the state after each epoch, from which a run with the same arguments goes on; removed
            when the training has ended.
        folder: gets `model.keras`, `history.csv` (a row per epoch), `training.json`, `cost.json` (seconds of all
            epochs, those before a kill included), and `checkpoints.npz` where the training keeps some.
        paths: the files of the model, by the parameter that names them.
        permuted: train on shuffled labels, which mean nothing; `training.json` gets the share that was memorised.
        others: of several inputs, `other_train.npz` and `other_validation.npz`, by split.
        checkpoint_store: address in S3 that gets the checkpoints as well, for jobs killed on other machines.

    Raises:
        InputError: model or augmentation do not fit the data; a checksum is wrong; a weight or a loss is not finite.
    """
    tensorflow = runtime.start(threads)
    from pellucid.train.batches import load_batches

    settings = TrainingSettings.of(training)
    run = _Run.of(model, settings, files.read_json(data_info), seed, paths or {}, tensorflow.__version__)
    objective = run.objective
    choice = settings.class_weights if objective.task == SINGLE_LABEL else "none"
    weights = class_weights(run.data_info["counts"]["train"], choice)
    x = {"train": x_train, "validation": x_validation}
    batches = load_batches(
        x,
        labels,
        measured,
        batch_size=settings.batch_size,
        class_weights=weights,
        seed=seed,
        permuted=permuted,
        fitted=objective.fitted,
        explained=run.data_info.get("explained_input", ""),
        others=others,
    )
    key = run.key(threads, code, permuted)
    store = CheckpointStore(checkpoint_store, key) if checkpoint_store else None
    state = Checkpoints(Path(checkpoints) / key, settings, run.build, safe=run.safe, objective=objective, store=store)
    network, progress = state.resume()
    notes = _notes(network, model, run.data_info, x_train)
    run.fit(network, progress, state, *batches)
    best = run.best_model(network, progress, state)
    memorised = memorised_share(best, batches[0], objective.task) if permuted else {}
    if objective.task == REGRESSION and progress.epoch:
        value_head.to_unit(best, objective)
    run.write(Path(folder), best, progress, memorised, notes)
    state.write_kept(Path(folder) / "checkpoints.npz", best, progress)
    # Checkpoints of other settings too: those trainings were killed and given up.
    shutil.rmtree(checkpoints, ignore_errors=not progress.epoch)
    log_end(progress, settings)


@dataclass(frozen=True)
class _Run:
    """One training: its settings, and its steps.

    Attributes:
        model, seed, paths: as `train` takes them.
        training: its settings.
        data_info: content of `data.json`.
        digests: SHA-256 of each file of the model, by the parameter that names it.
        versions: of the libraries.
        safe: whether code in model files must not run.
        objective: what the model is fitted to.
    """

    model: Mapping[str, Any]
    training: TrainingSettings
    data_info: DataInfo
    seed: int
    paths: Mapping[str, str]
    digests: Mapping[str, str]
    versions: Mapping[str, str]
    safe: bool
    objective: Objective

    @classmethod
    def of(
        cls,
        model: Mapping[str, Any],
        training: TrainingSettings,
        data_info: DataInfo,
        seed: int,
        paths: Mapping[str, str],
        tensorflow: str,
    ) -> _Run:
        """Check the settings against the data and the files against their checksums."""
        import keras

        augmentation.check(training.augmentation.plain(), tuple(data_info["shape"]))
        digests = {name: downloads.check(path, **downloads.checksums(model, name)) for name, path in paths.items()}
        versions = {"tensorflow": tensorflow, "keras": keras.version(), "numpy": np.__version__}
        safe = not model.get("allow_code", False)
        objective = Objective.of(training, data_info)
        return cls(model, training, data_info, seed, paths, digests, versions, safe, objective)

    def key(self, threads: int, code: str, permuted: bool) -> str:
        """Return a digest of everything that the weights depend on: the name of the folder of its checkpoints."""
        settings = [self.model, self.digests, self.training.plain(), self.seed, threads, code, self.versions]
        ingredients = [self.data_info["digest"], *settings]
        # A card computes other bits than the CPU, and than another card.
        if device := devices.used():
            ingredients.append(device)
        return files.digest([*ingredients, "permuted"] if permuted else ingredients)[:16]

    def build(self) -> keras.Model:
        """Return the model as it is before the first epoch, ready to be fitted."""
        import keras

        # Initialisers without a seed use this one.
        keras.utils.set_random_seed(seeds.integer(self.seed, "train", "initial weights"))
        architecture = plugins.load("models")[self.model["architecture"]]
        parameters = plugins.own_parameters(self.model, architecture)
        parameters |= {name: self.paths.get(name) for name in architecture.SPEC.files}
        n_outputs, task = len(self.data_info["classes"]), self.objective.task
        shape = shapes_of(self.data_info)
        network: keras.Model
        if architecture.SPEC.several_inputs and isinstance(shape, dict):
            parameters["explained"] = self.data_info["explained_input"]
        if architecture.SPEC.own_head:
            network = architecture.build(shape, n_outputs, task=task, **parameters)
        else:
            network = for_task(architecture.build(shape, n_outputs, **parameters), task)
        where = next(iter(self.paths.values()), f"model {self.model['architecture']}")
        finite.require_weights(network, where)
        if self.training.epochs and not network.trainable_weights:
            raise InputError.unexpected(
                "training.epochs", f"{self.training.epochs}, and no weights to fit", "0, or fewer frozen layers"
            )
        if task == REGRESSION and self.training.epochs:
            value_head.require(network, where)
            if model_classes.keeps_outputs(self.model, self.training.epochs):
                value_head.to_standard(network, self.objective)
        return ready_to_fit(network, self.training, self.objective)

    def fit(
        self, network: keras.Model, progress: Progress, state: Checkpoints, batches: Batches, validation: Batches
    ) -> None:
        """Fit the model from the epoch that `progress` has reached, until the training ends."""
        import keras

        from pellucid.train.batches import with_augmentation
        from pellucid.train.epochs import EpochCallback

        if model_classes.keeps_outputs(self.model, self.training.epochs):
            logger.info("%s", model_classes.order(self.data_info["classes"]))
        if progress.epoch:
            logger.info("going on from epoch %d of %d, found in %s", progress.epoch, self.training.epochs, state.folder)
        if progress.end_reason(self.training):
            return
        augmented = with_augmentation(batches, self.training.augmentation.plain(), self.seed)
        callback = EpochCallback(
            state, progress, self.seed, batches=augmented, unaugmented=batches, validation=validation
        )
        # Some layers draw from Python's generator while they are traced.
        keras.utils.set_random_seed(seeds.integer(self.seed, "train", "tracing"))
        network.fit(
            augmented,
            initial_epoch=progress.epoch,
            epochs=self.training.epochs,
            validation_data=validation,
            # The batches shuffle themselves; Keras would shuffle their order again, and differently after a kill.
            shuffle=False,
            callbacks=[callback],
            verbose=0,
        )

    def best_model(self, network: keras.Model, progress: Progress, state: Checkpoints) -> keras.Model:
        """Return the model of the best epoch in float32; the network itself where there were no epochs."""
        if not progress.epoch:
            return network
        best = state.best_model(progress)
        # Explanations are computed in float32, whatever the precision of the training.
        return best if self.training.precision == "float32" else dtype_policy.recast(best, "float32")

    def write(
        self, folder: Path, best: keras.Model, progress: Progress, memorised: Mapping[str, float], notes: list[str]
    ) -> None:
        """Write `model.keras`, `history.csv`, `training.json` and `cost.json`."""
        import keras

        task = self.objective.task
        files.write(folder / "model.keras", best.save)
        answers = same_function.answers(best)
        loaded = keras.models.load_model(folder / "model.keras", compile=False, safe_mode=self.safe)
        same_function.hold(answers, loaded, "saving and loading it", f"model {best.name}")
        files.write(folder / "history.csv", lambda temporary: temporary.write_text(progress.table(task)))
        training_info = {
            "architecture": self.model["architecture"],
            "origin": _origin(self.model, self.paths, progress.epoch),
            "files": {
                name: {"path": self.model.get(name, path), "sha256": self.digests[name]}
                for name, path in self.paths.items()
            },
            # `ExplainedModel.load` needs it to load the model again.
            **({} if self.safe else {"allow_code": True}),
            **carried_code(best, self.model),
            "parameters": int(best.count_params()),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "ended_by": progress.end_reason(self.training),
            "task": task,
            **({"explained_input": name} if (name := self.data_info.get("explained_input")) else {}),
            "loss": self.objective.loss,
            "monitor": self.training.monitor,
            **{f"best_{name}": value for name, value in progress.best.items()},
            **memorised,
            "weights_digest": files.digest([np.asarray(weight) for weight in best.get_weights()]),
            "versions": self.versions,
            **({"device": devices.used()} if devices.used() else {}),
            **({"notes": notes} if notes else {}),
        }
        files.write_json(folder / "training.json", training_info)
        files.write_json(folder / "cost.json", {"seconds": round(progress.seconds, 2), "epochs": progress.epoch})


def _origin(model: Mapping[str, Any], paths: Mapping[str, str], epochs: int) -> str:
    """Return where the weights come from: "trained", "fine-tuned", "as they are in the file" or "random"."""
    spec = plugins.spec("models", model["architecture"])
    if spec.opaque or any(name in paths for name in spec.files):
        return "fine-tuned" if epochs else "as they are in the file"
    return "trained" if epochs else "random"


def _notes(network: keras.Model, model: Mapping[str, Any], data_info: DataInfo, training: Path | str) -> list[str]:
    """Return a sentence for each contradiction between the data and the value range of the model; also log it."""
    declared = plugins.parameters(plugins.load("models")[model["architecture"]])
    keys = [key for key in ("input_range", "white") if key in declared]
    try:
        said = [input_scale.contradiction(network, training, data_info, f"model.{key}") for key in keys]
    except Exception as error:  # a layer that cannot be called by itself: the model can be explained all the same
        logger.info("the first layers cannot be compared with the data: %s", first_line(error))
        return []
    for note in (notes := [note for note in said if note]):
        logger.warning("%s", note)
    return notes
