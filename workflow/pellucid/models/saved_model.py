"""A model of your own from a TensorFlow SavedModel folder: one function, whose layers cannot be reached."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from pellucid import files
from pellucid.errors import InputError
from pellucid.messages import comma_list, first_line, format_shape
from pellucid.models.base import ModelSpec
from pellucid.models.imported import head, own_keys
from pellucid.network import same_function

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="A model of your own, from a SavedModel folder",
    kinds=("series", "image"),
    features=(),
    source='your own: see "Your own model" in the README',
    opaque=True,
)


def check(
    *,
    folder: str,
    allow_code: bool,
    classes: Sequence[str | int],
    input_range: Sequence[float],
    **others: object,
) -> None:
    """Refuse a program that nobody has allowed to run.

    Raises:
        InputError: as said, or what `own_keys.check` refuses.
    """
    own_keys.check(classes=classes, input_range=input_range)
    if not allow_code:
        raise InputError.unexpected(
            "allow_code",
            "false, and a SavedModel, which is a program",
            "true, if you trust whoever made it",
            "A .keras file (keras_file) needs no such trust.",
        )


def addresses(*, folder: str, **others: object) -> dict[str, str]:
    """Every file of the folder: a change of any is another model."""
    place = Path(folder).expanduser()
    found = [place / "saved_model.pb", *sorted(path for path in place.rglob("*") if path.is_file())]
    return {f"folder_{number}": str(path) for number, path in enumerate(dict.fromkeys(found))}


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
            description="true: a SavedModel is a program, which can read and write files; it runs with all that you "
            "may do yourself. Only for folders whose maker you trust"
        ),
    ] = False,
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
) -> keras.Model:
    """A model of one layer that calls the SavedModel, and a softmax over the classes.

    Scores that are probabilities, p, become the logits log p, which have p for their softmax. One probability, or one
    logit, is that of the second of two classes (`head.of_one`).

    Raises:
        InputError: a folder that cannot be loaded, or a function that does not fit the data.
    """
    from keras import Input, Model, layers, ops

    check(folder=folder, allow_code=allow_code, classes=classes, input_range=input_range)
    place = str(Path(folder).expanduser())
    # Its graph is in the folder alone: by the name, another graph is another model.
    digest = files.digest([files.sha256(path) for path in addresses(folder=folder).values()])[:12]
    layer = _layer(place, endpoint, f"saved_model_{digest}")
    image = Input(input_shape, name="input")
    try:
        output = layer(image)
    except Exception as error:  # TensorFlow raises many kinds; all mean the same here
        found = f"a function that fails for examples of shape {format_shape(input_shape) or '()'} ({first_line(error)})"
        raise InputError.unexpected(place, found, "one that takes (N, *shape), 32-bit numbers") from error
    outputs = list(output.values()) if isinstance(output, dict) else [output]
    if len(outputs) != 1:
        raise InputError.unexpected(place, f"{len(outputs)} outputs: {comma_list(output)}", "one")
    (scores,) = outputs
    binary = tuple(scores.shape[1:]) in ((), (1,)) and n_classes == 2
    if tuple(scores.shape[1:]) != (n_classes,) and not binary:
        expected = f"{n_classes} scores, one for each class{', or one score' if n_classes == 2 else ''}"
        hint = "model.classes names the classes of all outputs, also those that the data lack."
        raise InputError.unexpected(
            place, f"an output of shape {format_shape(scores.shape[1:]) or '()'}", expected, hint
        )
    function = Model(image, scores)
    same_function.require_function(function, place)
    # The smallest normal number: a probability that was rounded to 0 has no logarithm.
    tiny = float(np.finfo(np.float32).tiny)
    if binary:
        if head.between(same_function.ask(function, same_function.tries(function))):
            # 1 less a 32-bit number cannot be closer to 0 than half of the last place.
            rest = ops.maximum(1 - scores, float(np.finfo(np.float32).epsneg))
            scores = ops.log(ops.maximum(scores, tiny)) - ops.log(rest)
            logger.info("its one probability p is taken for that of the second class, whose score z is log p / (1 - p)")
        else:
            logger.info("its one score z is taken for the logit of the second of two classes")
        scores = head.of_one(scores)
    elif head.gives_probabilities(function):
        scores = ops.log(ops.maximum(scores, tiny))
        logger.info("the logarithms of its probabilities are taken for logits")
    model = Model(image, layers.Softmax(name="classes")(scores), name="saved_model")
    model = own_keys.with_input_range(model, input_range, place)
    if not _has_gradients(model, input_shape):
        logger.warning(
            "the SavedModel has no gradients: only methods that need none can explain it "
            "(occlusion, rise, lime, kernel_shap)"
        )
    return model


def _layer(place: str, endpoint: str, name: str) -> Any:
    from keras import layers

    reason = ""
    for one in ("serve", "serving_default") if endpoint == "auto" else (endpoint,):
        try:
            return layers.TFSMLayer(place, call_endpoint=one, trainable=False, name=name)
        except Exception as error:  # no such endpoint, or no such folder: of many kinds
            reason = first_line(error)
    raise InputError.unexpected(
        place, f"a folder that cannot be loaded ({reason})", f"a SavedModel with the endpoint {endpoint}"
    )


def _has_gradients(model: keras.Model, input_shape: tuple[int, ...]) -> bool:
    import tensorflow as tf

    one = tf.zeros((1, *input_shape))
    with tf.GradientTape() as tape:
        tape.watch(one)
        answer = model(one, training=False)
    try:
        return tape.gradient(answer, one) is not None
    except LookupError:  # an operation without one
        return False
