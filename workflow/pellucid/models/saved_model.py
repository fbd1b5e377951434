"""Models of your own from a TensorFlow SavedModel folder: one function, whose layers cannot be reached."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid import files
from pellucid.errors import InputError
from pellucid.messages import comma_list, first_line, format_shape
from pellucid.models.base import ModelSpec
from pellucid.models.imported import opaque, own_keys, per_step, step_choice, task_head
from pellucid.tasks import SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="A model of your own, from a SavedModel folder",
    kinds=("series", "image"),
    features=(),
    source='your own: see "Your own model" in the README',
    opaque=True,
    own_head=True,
)


def check(
    *,
    folder: str,
    allow_code: bool,
    classes: Sequence[str | int],
    input_range: Sequence[float],
    steps: step_choice.Steps | None = None,
    **others: object,
) -> None:
    """Refuse a SavedModel, which is a program, without `allow_code`.

    Raises:
        InputError: such a model, or `own_keys.check` refuses a value.
    """
    own_keys.check(classes=classes, input_range=input_range)
    step_choice.check(steps)
    if not allow_code:
        raise InputError.unexpected(
            "allow_code",
            "false, and a SavedModel, which is a program",
            "true, if you trust whoever made it",
            "A .keras file (keras_file) needs no such trust.",
        )


def addresses(*, folder: str, **others: object) -> dict[str, str]:
    """Return every file of the folder: a change of any is a new model."""
    root = Path(folder).expanduser()
    paths = [root / "saved_model.pb", *sorted(path for path in root.rglob("*") if path.is_file())]
    return {f"folder_{number}": str(path) for number, path in enumerate(dict.fromkeys(paths))}


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    folder: Annotated[str, Field(min_length=1, description="the folder that holds saved_model.pb")],
    endpoint: Annotated[
        str,
        Field(
            min_length=1, description="the function to call: auto takes serve (as Keras exports it) or serving_default"
        ),
    ] = "auto",
    allow_code: Annotated[
        bool,
        Field(
            description="true: the SavedModel may run. It is a program that can do all that you can do yourself, such "
            "as read and write files. Only for folders from somebody you trust"
        ),
    ] = False,
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
    steps: step_choice.StepsKey = None,
    task: Task = SINGLE_LABEL,
) -> keras.Model:
    """Return a model of one layer that calls the SavedModel, and the last layer of the task.

    Probabilities p become the logits log p, whose softmax is p. A single probability or logit is that of the second of
    two classes (`head.two_logits`).

    Raises:
        InputError: the folder cannot be loaded, or the function does not fit the data.
    """
    from keras import Input, Model, layers

    check(folder=folder, allow_code=allow_code, classes=classes, input_range=input_range, steps=steps)
    path = str(Path(folder).expanduser())
    # The graph is in the folder only: the name tells models with different graphs apart.
    digest = files.digest([files.sha256(path) for path in addresses(folder=folder).values()])[:12]
    layer = _layer(path, endpoint, f"saved_model_{digest}")
    inputs = Input(input_shape, name="input")
    output = _output(layer, inputs, n_classes, task, path, steps)
    if task == SINGLE_LABEL:
        outputs = layers.Softmax(name="classes")(opaque.logits(inputs, output, n_classes, path))
    else:
        outputs = task_head.opaque_outputs(inputs, output, task, path)
    model = Model(inputs, outputs, name="saved_model")
    model = own_keys.with_input_range(model, input_range, path)
    if not _has_gradients(model, input_shape):
        logger.warning(
            "the SavedModel has no gradients: only methods that need none can explain it "
            "(occlusion, rise, lime, kernel_shap)"
        )
    return model


def _output(
    layer: Any, inputs: Any, n_classes: int, task: Task, path: str, steps: step_choice.Steps | None = None
) -> Any:
    """Call the layer; return its output, at the explained steps if it has some.

    Raises:
        InputError: the function fails, or its output is not one score for each class.
    """
    input_shape = inputs.shape[1:]
    try:
        output = layer(inputs)
    except Exception as error:  # TensorFlow raises many kinds; all mean the same here
        found = f"a function that fails for examples of shape {format_shape(input_shape) or '()'} ({first_line(error)})"
        raise InputError.unexpected(path, found, "one that takes (N, *shape), 32-bit numbers") from error
    outputs = list(output.values()) if isinstance(output, dict) else [output]
    if len(outputs) != 1:
        raise InputError.unexpected(path, f"{len(outputs)} outputs: {comma_list(output)}", "one")
    scores = per_step.of_opaque(inputs, outputs[0], steps, task, path)
    if task != SINGLE_LABEL:
        task_head.require_number(tuple(scores.shape[1:]), n_classes, task, path)
        return scores
    binary = opaque.is_binary(scores, n_classes)
    if tuple(scores.shape[1:]) != (n_classes,) and not binary:
        expected = f"{n_classes} scores, one for each class{', or one score' if n_classes == 2 else ''}"
        hint = "model.classes names the classes of all outputs, also those that the data lack."
        raise InputError.unexpected(
            path, f"an output of shape {format_shape(scores.shape[1:]) or '()'}", expected, hint
        )
    return scores


def _layer(path: str, endpoint: str, name: str) -> Any:
    """Return a layer that calls the SavedModel (InputError where it cannot be loaded)."""
    from keras import layers

    reason = ""
    for candidate in ("serve", "serving_default") if endpoint == "auto" else (endpoint,):
        try:
            return layers.TFSMLayer(path, call_endpoint=candidate, trainable=False, name=name)
        except Exception as error:  # no such endpoint, or no such folder: of many kinds
            reason = first_line(error)
    raise InputError.unexpected(
        path, f"a folder that cannot be loaded ({reason})", f"a SavedModel with the endpoint {endpoint}"
    )


def _has_gradients(model: keras.Model, input_shape: tuple[int, ...]) -> bool:
    import tensorflow as tf

    example = tf.zeros((1, *input_shape))
    with tf.GradientTape() as tape:
        tape.watch(example)
        scores = model(example, training=False)
    try:
        return tape.gradient(scores, example) is not None
    except LookupError:  # an operation without one
        return False
