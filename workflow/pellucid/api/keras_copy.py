"""Copy the caller's Keras model, so that a repair does not change it."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.network import channels_first, runtime, same_function
from pellucid.network.layers import copy_state, walk

if TYPE_CHECKING:
    import keras


EXAMPLES = 8  # of the caller, on which a copy is compared with the model


def is_keras_model(model: Any) -> bool:
    """Return whether it is a model of Keras 3, without importing Keras."""
    module = sys.modules.get("keras")
    return module is not None and isinstance(model, getattr(module, "Model", ()))


def require_tensorflow(model: keras.Model) -> None:
    """Refuse a model that computes with another library than TensorFlow.

    Raises:
        InputError: names the library.
    """
    from keras import config

    if (backend := config.backend()) != "tensorflow":
        hint = "Set KERAS_BACKEND=tensorflow before Keras is imported, and load the model again."
        raise InputError.unexpected(f"model {model.name}", f"Keras with the backend {backend}", "tensorflow", hint)


@contextmanager
def single_precision() -> Iterator[None]:
    """Make new layers compute in 32-bit numbers in a `with` block, whatever the caller set for the whole session."""
    from keras import config

    policy, floatx = config.dtype_policy(), config.floatx()
    config.set_floatx("float32")
    config.set_dtype_policy("float32")
    try:
        yield
    finally:
        config.set_floatx(floatx)
        config.set_dtype_policy(policy)


def is_subclassed(model: keras.Model) -> bool:
    """Return whether a model has its own `call` instead of a graph.

    Raises:
        InputError: it has no graph because it was never built.
    """
    import keras

    if getattr(model, "inputs", None) and getattr(model, "outputs", None):
        return False
    if isinstance(model, keras.Sequential) or not model.built:
        raise InputError.unexpected(
            f"model {model.name}",
            "a model that is not built: it has no weights yet",
            "a trained model, or one that begins with keras.Input(shape)",
        )
    return True


def as_function(model: keras.Model) -> Callable[[Any], Any]:
    """Return the outputs of a model as a function of a batch."""
    return lambda batch: model(batch, training=False)


def config_of(model: keras.Model, where: str) -> dict[str, Any]:
    """Return the configuration of a model, as its file would hold it.

    Raises:
        InputError: Keras cannot describe the model.
    """
    try:
        config: dict[str, Any] = json.loads(model.to_json())
    except Exception as error:  # of the user's own layer, for example
        raise InputError.unexpected(
            where, f"a model that Keras cannot copy ({same_function.reason(error)})", "layers of Keras"
        ) from error
    return config


def with_sizes(config: dict[str, Any], shape: Sequence[int]) -> tuple[dict[str, Any], bool]:
    """Return a configuration whose open input axes, `Input((None, 3))`, get the sizes of x; and whether it had any.

    Args:
        config: of the model.
        shape: of x, with or without the batch axis.
    """
    changed = False
    config = json.loads(json.dumps(config))
    names = str(config.get("config", {}).get("input_layers", ""))
    for layer in config.get("config", {}).get("layers", ()):
        settings = layer["config"]
        sizes = settings.get("batch_shape")
        of_input = layer["class_name"] == "InputLayer" and (not names or f"'{settings['name']}'" in names)
        if of_input and sizes and None in sizes[1:] and len(shape) - len(sizes) in (0, -1):
            sizes = [
                size if size is not None else size_of_x
                for size, size_of_x in zip(sizes[1:], shape[1 - len(sizes) :], strict=True)
            ]
            settings["batch_shape"], changed = [None, *sizes], True
    return config, changed


def copied(model: keras.Model, config: dict[str, Any] | None, x: NDArray[np.float32], where: str) -> keras.Model:
    """Return a copy of a model with its own layers and weights.

    Args:
        model: Sequential or functional, built.
        config: of the copy; None for the model's own.
        x: examples, (N, *input_shape): a layer that Keras does not describe completely may differ on these alone.
        where: name of the model in messages.

    Raises:
        InputError: the copy cannot be made, or computes another function.
    """
    import keras

    kind = keras.Sequential if isinstance(model, keras.Sequential) else keras.Model
    try:
        twin = kind.from_config(copy.deepcopy(config["config"]) if config else model.get_config())
        copy_state(model, twin)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        found = f"a model that cannot be copied ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that keras.models.clone_model copies") from error
    inputs = np.concatenate([same_function.tries(twin), x[:EXAMPLES]])
    with channels_first.computing_last(runtime.start(), walk(model)):
        before = same_function.ask(model, inputs)
    same_function.hold_scores(
        np.asarray(before).reshape(len(inputs), -1),
        np.asarray(same_function.ask(twin, inputs)).reshape(len(inputs), -1),
        "copying it",
        where,
    )
    return twin
