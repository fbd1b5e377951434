"""What happens around each epoch of a training: random numbers, learning rate, checks, checkpoint, log line.

Import this module after TensorFlow has been started.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from pellucid import seeds
from pellucid.network.layers import nested, seed_states, walk
from pellucid.train import input_types, loss_faults, schedule
from pellucid.train.batches import AugmentedBatches, Batches
from pellucid.train.checkpoints import Checkpoints, Progress
from pellucid.train.objective import MACRO_AUROC
from pellucid.train.target_losses import macro_auroc

logger = logging.getLogger(__name__)


class EpochCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Prepare each epoch from (seed, epoch) alone, and write its checkpoint."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        progress: Progress,
        seed: int,
        *,
        batches: Batches | AugmentedBatches,
        unaugmented: Batches,
        validation: Batches,
    ) -> None:
        """Take what the training works on.

        Args:
            checkpoints: get the state after each epoch.
            progress: brought up to date after each epoch.
            seed: of the experiment.
            batches: that the model is fitted to.
            unaugmented: the same batches before augmentation.
            validation: batches of the validation examples.
        """
        super().__init__()
        self.checkpoints, self.progress, self.seed = checkpoints, progress, seed
        self.batches, self.unaugmented, self.validation = batches, unaugmented, validation
        self.training = checkpoints.training
        self.initial_epoch = progress.epoch

    def on_train_begin(self, logs: Any = None) -> None:
        """Refuse inputs that the model would round (InputError), and start the clock."""
        input_types.require_whole(self.model, self.unaugmented.inputs)
        self.started = time.perf_counter()
        self.seconds_before = self.progress.seconds
        self.rate = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Shuffle the batches and seed the layers that draw random numbers."""
        self.first_step = epoch * len(self.batches)
        self.batches.begin(epoch)
        for layer in walk(self.model):
            # The states of a nested model belong to its layers.
            for number, state in enumerate([] if nested(layer) else seed_states(layer)):
                # A loaded model does not know how often the killed one had drawn.
                stream = (layer.name, str(number)) if number else (layer.name,)
                state.assign(np.array([seeds.integer(self.seed, "train", *stream, str(epoch)), 0], state.dtype))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rate of the step."""
        step = self.first_step + batch
        rate = schedule.learning_rate(self.training, step, len(self.batches), self.progress.history)
        if rate != self.rate:
            self.model.optimizer.learning_rate.assign(rate)
            self.rate = rate

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Refuse a loss that is not finite (InputError)."""
        epoch = self.first_step // len(self.batches)
        loss_faults.require_step(epoch, batch, logs, self.unaugmented, lambda: self.checkpoints.model_before(epoch))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the checkpoint, log the scores and stop the training when it has ended."""
        objective = self.checkpoints.objective
        measured = dict(logs or {})
        if MACRO_AUROC in objective.scores:
            measured[MACRO_AUROC] = self._macro_auroc()
        scores = {name: float(measured[name]) for name in objective.scores}
        loss_faults.require_epoch(epoch, scores, self.model, self.validation)
        self.progress.history.append({**scores, "learning_rate": self.rate})
        self.progress.seconds = self.seconds_before + time.perf_counter() - self.started
        improved = self.checkpoints.save(self.model, self.progress)
        logger.info("%s%s", self._log_line(epoch + 1, scores), "  best so far" if improved else "")
        self.model.stop_training = bool(self.progress.end_reason(self.training))

    def _macro_auroc(self) -> float:
        """Return the mean area under the ROC curve of the labels, over the validation examples."""
        batches = range(len(self.validation))
        scores = np.concatenate([self.model.predict_on_batch(self.validation[batch][0]) for batch in batches])
        return macro_auroc(self.validation.y[self.validation.order], scores)

    def _log_line(self, epoch: int, scores: Mapping[str, float]) -> str:
        epochs = self.training.epochs
        left = (time.perf_counter() - self.started) / (epoch - self.initial_epoch) * (epochs - epoch)
        names = dict.fromkeys((*self.checkpoints.objective.logged, self.training.monitor))
        values = "  ".join(f"{name} {scores[name]:.4f}" for name in names)
        return f"epoch {epoch:{len(str(epochs))}}/{epochs}  {values}  {left:4.0f} s left"
