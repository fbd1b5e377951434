"""The state of a training after each epoch, kept in files from which a killed training goes on."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pellucid import files
from pellucid.config.training_keys import TrainingSettings
from pellucid.network import checkpoint_weights, same_function
from pellucid.tasks import REGRESSION, SINGLE_LABEL, Task
from pellucid.train import schedule, value_head
from pellucid.train.checkpoint_store import PROGRESS, CheckpointStore
from pellucid.train.compile import CLASSES, compile_model
from pellucid.train.objective import SCORES, Objective

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Columns of `history.csv` for one class of each example; the learning rate is that of the last step of an epoch.
COLUMNS = (*SCORES[SINGLE_LABEL], "learning_rate")


@dataclass
class Progress:
    """How far a training has come.

    Attributes:
        best_epoch: with the best monitored score, from 1.
        history: scores and learning rate of each epoch.
        best_scores, last_scores: class scores of a few inputs, by the model of the best and of the last epoch. They
            show whether a loaded file holds the network that was saved.
        seconds: of all epochs.
        digests: SHA-256 of the model files in use, by name. Class scores do not show the state of the optimizer.
    """

    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_scores: list[list[float]] = field(default_factory=list)
    last_scores: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return len(self.history)

    @property
    def best(self) -> dict[str, float]:
        """Scores and learning rate of the best epoch; empty without epochs."""
        return self.history[self.best_epoch - 1] if self.history else {}

    def table(self, task: Task = SINGLE_LABEL) -> str:
        """Return the history as CSV, with the scores of a task."""
        columns = (*SCORES[task], "learning_rate")
        rows = [",".join(["epoch", *columns])]
        rows += [
            ",".join([str(epoch), *(repr(row[name]) for name in columns)]) for epoch, row in enumerate(self.history, 1)
        ]
        return "\n".join(rows) + "\n"

    def end_reason(self, training: TrainingSettings) -> str:
        """Return why the training has ended: "epochs" or "early_stopping"; "" while it goes on."""
        if self.epoch >= training.epochs:
            return "epochs"
        patience = training.early_stopping.patience
        return "early_stopping" if schedule.should_stop(self.history, training.monitor, patience) else ""

    def last_is_best(self, monitor: str) -> bool:
        """Return whether the last epoch beats all before it; of equal epochs the first is the best."""
        values = schedule.scores(self.history, monitor)
        return len(values) == 1 or values[-1] > max(values[:-1])


class Checkpoints:
    """The files of one training: the models of its last and its best epoch, weights of others, and `progress.json`.

    `progress.json` is rewritten as a whole after every epoch and alone says which model files are in use.
    """

    def __init__(
        self,
        folder: Path,
        training: TrainingSettings,
        build: Callable[[], keras.Model],
        *,
        safe: bool,
        objective: Objective = CLASSES,
        store: CheckpointStore | None = None,
    ) -> None:
        """Keep the files in `folder`.

        Args:
            folder: for this training alone.
            training: complete.
            build: makes the model as it is before the first epoch, ready to be fitted.
            safe: whether code in model files must not run.
            objective: what the model is fitted to.
            store: where they are kept as well, for a job that goes on on another machine.
        """
        self.folder, self.training, self.build, self.safe = folder, training, build, safe
        self.objective, self.store = objective, store

    def resume(self) -> tuple[keras.Model, Progress]:
        """Return the model and the progress of the killed run; new ones if no such run can be read."""
        if self.store:
            self.store.fetch(self.folder)
        try:
            return self._read()
        except FileNotFoundError:
            pass
        except Exception as error:  # a damaged archive raises many kinds, and each means the same: begin anew
            logger.warning("the checkpoint in %s cannot be read and is not used: %s", self.folder, error)
        network = self.build()
        if self.training.kept_checkpoints:
            checkpoint_weights.require(network)
        return network, Progress()

    def _read(self) -> tuple[keras.Model, Progress]:
        from pellucid.train.losses import BalancedAccuracy, SmoothedFocalLoss
        from pellucid.train.target_losses import AbsoluteError, LabelsLoss

        content = files.read_json(self.folder / PROGRESS)
        if content.pop("digest", None) != files.digest(content):
            raise ValueError("progress.json was damaged")
        progress = Progress(**content)
        best, last = self._best(progress.best_epoch), self._last(progress.epoch)
        for path in self._in_use(progress):
            if files.sha256(path) != progress.digests.get(path.name):
                raise ValueError(f"{path.name} was damaged")
        self._load(best)
        network = self._load(last, compiled=(SmoothedFocalLoss, BalancedAccuracy, LabelsLoss, AbsoluteError))
        _require_scores(network, progress.last_scores, "saving and loading its last epoch")
        # Compiled anew: a loaded optimizer no longer knows which weights do not decay.
        return compile_model(network, self.training, network.optimizer.variables, self.objective), progress

    def save(self, model: keras.Model, progress: Progress) -> bool:
        """Write the state after an epoch whose scores are in `progress.history`; return whether it is the best so far.

        The rest of `progress` is brought up to date, and files of earlier epochs are removed.
        """
        improved = progress.last_is_best(self.training.monitor)
        # JSON has no infinity.
        progress.last_scores = np.nan_to_num(same_function.answers(model).scores).tolist()
        last = self._last(progress.epoch)
        if improved:
            progress.best_epoch, progress.best_scores = progress.epoch, progress.last_scores
            files.write(self._best(progress.epoch), model.save)
        files.write(last, model.save)
        if progress.epoch in self.training.kept_epochs():
            files.write_arrays(self._kept(progress.epoch), checkpoint_weights.weights_of(model))
        in_use = self._in_use(progress)
        progress.digests = {path.name: progress.digests.get(path.name) or files.sha256(path) for path in in_use}
        content = asdict(progress)
        files.write_json(self.folder / PROGRESS, {**content, "digest": files.digest(content)})
        for path in self.folder.iterdir():
            if path not in {*in_use, self.folder / PROGRESS}:
                path.unlink()
        if self.store:
            self.store.keep(self.folder, progress.digests, last=bool(progress.end_reason(self.training)))
        return improved

    def model_before(self, epoch: int) -> keras.Model:
        """Return the model as it was before an epoch, counted from 0."""
        return self._load(self._last(epoch)) if epoch else self.build()

    def best_model(self, progress: Progress) -> keras.Model:
        """Return the model of the best epoch, without an optimizer.

        Raises:
            InputError: the file holds another function than the model that was saved.
        """
        model = self._load(self._best(progress.best_epoch))
        _require_scores(model, progress.best_scores, "saving and loading its best epoch")
        return model

    def write_kept(self, path: Path, best: keras.Model, progress: Progress) -> None:
        """Write the weights of the kept epochs before the best one, and of the best.

        If none are kept, a file of an earlier training is removed: it does not belong to the model beside it.

        Later epochs are left out: they have no influence on the model of the best epoch. The learning rate of each kept
        epoch is the sum over all epochs since the kept epoch before it.

        Args:
            path: as `checkpoint_weights.write` takes it.
            best: the model that is written; for a regression in the unit of the data, and so are the weights of all
                epochs.
            progress: at the end of the training.
        """
        if not (self.training.kept_checkpoints and progress.epoch):
            path.unlink(missing_ok=True)
            return
        own = checkpoint_weights.weights_of(best)
        epochs = [epoch for epoch in self.training.kept_epochs() if epoch < progress.best_epoch]
        weights = {epoch: files.map_arrays(self._kept(epoch)) for epoch in epochs}
        if self.objective.task == REGRESSION:
            for epoch, fitted in weights.items():
                checkpoint_weights.set_weights(best, fitted)
                value_head.to_unit(best, self.objective)
                weights[epoch] = checkpoint_weights.weights_of(best)
            checkpoint_weights.set_weights(best, own)
        rates = [row["learning_rate"] for row in progress.history]
        begins, ends = [0, *epochs], [*epochs, progress.best_epoch]
        sums = [math.fsum(rates[begin:end]) for begin, end in zip(begins, ends, strict=True)]
        checkpoint_weights.write(path, best, {**weights, progress.best_epoch: own}, sums)

    def _in_use(self, progress: Progress) -> set[Path]:
        """Return the files that belong to a progress, without `progress.json` itself."""
        kept = (self._kept(epoch) for epoch in self.training.kept_epochs() if epoch <= progress.epoch)
        return {self._last(progress.epoch), self._best(progress.best_epoch), *kept}

    def _load(self, path: Path, compiled: tuple[type, ...] = ()) -> keras.Model:
        """Load a model; with its optimizer where `compiled` gives the classes of this package that the file names."""
        import keras

        classes = {kind.__name__: kind for kind in compiled} or None
        return keras.models.load_model(path, custom_objects=classes, compile=bool(compiled), safe_mode=self.safe)

    def _last(self, epoch: int) -> Path:
        return self.folder / f"last-{epoch:05}.keras"

    def _best(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch:05}.keras"

    def _kept(self, epoch: int) -> Path:
        return self.folder / f"kept-{epoch:05}.npz"


def _require_scores(network: keras.Model, scores: list[list[float]], step: str) -> None:
    """Compare the class scores of a loaded network with those of the saved one.

    Raises:
        InputError: they differ by more than rounding.
    """
    answers = same_function.answers(network)
    now, where = np.nan_to_num(answers.scores), f"model {network.name}"
    same_function.hold_scores(np.array(scores), now, step, where, epsilon=answers.epsilon)


def log_end(progress: Progress, training: TrainingSettings) -> None:
    """Log why a training has ended, and which epoch was kept."""
    monitor = training.monitor
    if progress.end_reason(training) == "early_stopping":
        logger.info("stopped early: %d epochs without a better %s", training.early_stopping.patience, monitor)
    if progress.epoch:
        logger.info("kept epoch %d of %d: best %s", progress.best_epoch, progress.epoch, monitor)
    else:
        logger.info("no epochs: kept the weights that the model starts with")
