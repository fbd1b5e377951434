"""Models of your own from a `.keras` file, explained as they are or fine-tuned on the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.models.base import ModelSpec
from pellucid.models.imported import (
    archive,
    declared_outputs,
    declared_sizes,
    head,
    input_axes,
    input_sizes,
    open_axes,
    own_keys,
    per_step,
    step_choice,
    task_head,
)
from pellucid.models.imported.compatibility import make_compatible
from pellucid.models.imported.config_graph import refuse_inconsistent
from pellucid.network import finite
from pellucid.network.layers import holds_weights, walk
from pellucid.network.same_function import reason
from pellucid.own_code import PATTERN, OwnCode, register
from pellucid.parameters import UNIQUE, File, one_of
from pellucid.tasks import ACTIVATION, SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="A model of your own, from a .keras file",
    kinds=("series", "image"),
    features=archive.FEATURES,
    source='your own: see "Your own model" in the README',
    files={"file": File("path or address of a model that Keras 3 saved")},
    own_head=True,
    several_inputs=True,
)


def check(
    *,
    file: str,
    features: str | Sequence[str],
    classes: Sequence[str | int],
    input_range: Sequence[float],
    steps: step_choice.Steps | None = None,
    **others: object,
) -> None:
    """Refuse an address without `features`, which planning needs before the file is downloaded.

    Raises:
        InputError: such an address, or `own_keys.check` refuses a value.
    """
    if features == "auto" and not is_local(file):
        expected = "a list of what the model has of conv, relu, rescale_rule, relevance_rule, gap and self_attention"
        raise InputError.unexpected(
            "features", "auto, and an address", expected, "A file on this machine is looked into."
        )
    own_keys.check(classes=classes, input_range=input_range)
    step_choice.check(steps)


def addresses(*, file: str, code: str | None = None, **others: object) -> dict[str, str]:
    """Return the file, and the files of the module of layers: a change of any trains again."""
    if code is None:
        return {"file": file}
    module = OwnCode.of(code)
    # The prefix keeps the names apart from the other inputs of the rule.
    return {"file": file} | {
        "code" if name == module.module else f"code_{name.replace('.', '_')}": path
        for name, path in module.modules().items()
    }


def own_code(*, code: str | None = None, **others: object) -> OwnCode | None:
    """Return the module that registers the layers of the file."""
    return None if code is None else OwnCode.of(code)


def features(
    *,
    file: str,
    features: str | Sequence[str],
    allow_code: bool,
    new_head: bool,
    classes: Sequence[str | int],
    code: str | None = None,
    steps: step_choice.Steps | None = None,
    inputs: Sequence[str] | None = None,
    explained: str | None = None,
    numbers: bool | None = None,
    data_format: str | None = None,
    **others: object,
) -> tuple[str, ...]:
    """Return the features of the model in the file, or those that the config declares for an address.

    Raises:
        InputError: the file is not a model, `archive.check` refuses it, or it has another number of outputs than there
            are `classes`, or `steps` are missing or do not fit.
    """
    if numbers and features != "auto":
        features = input_sizes.of_numbers(features)
    if not is_local(file):
        return tuple(features)
    path = local_path(file)
    if not path.is_file():  # the check of the files reports it
        return SPEC.features
    config = open_axes.with_sizes(archive.read(path))
    # Only importing the module, in the job, tells what it registers.
    registered = None if code is None else archive.ANYTHING
    archive.check(config, str(path), allow_code=allow_code, registered=registered, inputs=inputs or ())
    if not new_head:
        own_keys.check_number(classes, config, str(path))
        with refuse_inconsistent(str(path)):
            declared_outputs.require_steps(config, steps, str(path))
    # The activation moves behind the explained steps.
    config = config if steps is None else per_step.without_last_activation(config)
    if not inputs:
        config = input_axes.planned(config, data_format, str(path))
    if features == "auto":
        return archive.features(config, str(path), explained)
    archive.require_features(features, config, str(path), explained)
    return tuple(features)


def outputs(*, file: str, new_head: bool, **others: object) -> int | None:
    """Return the number of outputs of the model in a local file.

    Raises:
        InputError: the file is not a model.
    """
    if new_head or not is_local(file) or not local_path(file).is_file():
        return None
    return own_keys.number_of_outputs(archive.read(local_path(file)))


def build(
    input_shape: tuple[int, ...] | archive.Shapes,
    n_classes: int,
    *,
    file: Path | str,
    features: Annotated[
        Literal["auto"]
        | Annotated[Sequence[Annotated[str, one_of(archive.FEATURES)]], Field(json_schema_extra=UNIQUE)],
        Field(
            description="what methods find in the model. auto: read it from the file, which must be on this machine. "
            "For an address, write a list of: conv, relu, rescale_rule, relevance_rule, gap, self_attention"
        ),
    ] = "auto",
    freeze: Annotated[
        Literal["none", "all_but_last"] | Annotated[Sequence[str], Field(json_schema_extra=UNIQUE)],
        Field(
            description="layers that fine-tuning does not change: none, all_but_last (all weights except those of the "
            "last layer that has some), or a list of layers. The name of a nested model means all of its layers"
        ),
    ] = "none",
    new_head: Annotated[
        bool,
        Field(
            description="true: the model gets a new last dense layer for the classes of the data, with random weights"
        ),
    ] = False,
    allow_code: Annotated[
        bool,
        Field(
            description="true: code in the file (Lambda layers) may run. It can do all that you can do yourself: "
            "files, network, passwords. Only for files from somebody you trust"
        ),
    ] = False,
    code: Annotated[
        str | None,
        Field(
            pattern=PATTERN,
            description="the Python module that registers your own layers in the file "
            "(@keras.saving.register_keras_serializable): my_layers for my_layers.py beside config.yaml, or the path "
            "of its file. Every job that loads the model runs it",
        ),
    ] = None,
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
    data_format: input_axes.DataFormat = "channels_last",
    steps: step_choice.StepsKey = None,
    task: Task = SINGLE_LABEL,
    explained: str | None = None,
) -> keras.Model:
    """Return the model of the file in the form that every stage can use, with the last layer of the task at its end.

    Raises:
        InputError: `archive.check` refuses the file, the model lacks one of `features`, its shape or number of classes
            is not that of the data, or a layer to freeze is missing.
    """
    from keras import config as settings

    path, checked = str(file), archive.look_over(file)
    several = input_shape if isinstance(input_shape, Mapping) else {}
    first = data_format == input_axes.CHANNELS_FIRST
    of_model = input_axes.of_model(checked.config, input_shape, data_format, path)
    config = open_axes.with_sizes(checked.config, of_model)
    registered = None if code is None else register(OwnCode.of(code), f"code {code}")
    archive.check(config, path, allow_code=allow_code, registered=registered, code=code, inputs=list(several))
    if not new_head:
        own_keys.check_number(classes, config, path)
    if features != "auto" and explained is not None and len(several.get(explained, ())) == 1:
        features = input_sizes.of_numbers(features)
    if features != "auto":
        declared_of = config if steps is None else per_step.without_last_activation(config)
        declared_of = declared_of if several else input_axes.planned(declared_of, data_format, path)
        archive.require_features(features, declared_of, path, explained)
    archive.require_shape(config, path, of_model, "of the data's examples" + ", channels first" * first)
    declared_sizes.require_buildable(config, checked.stored, path, allow_code=allow_code)
    model = _loaded(path, allow_code)
    if freeze not in ("none", "all_but_last"):
        freeze_layers(model, freeze)  # by the names in the file
    if allow_code:
        settings.enable_unsafe_deserialization()
    model = make_compatible(open_axes.sized(model, of_model, path), path)
    model = head.with_new_head(model, n_classes, path, ACTIVATION[task]) if new_head else model
    model = per_step.picked(model, steps, task, path)
    model = own_keys.with_input_range(task_head.with_head(model, n_classes, task, path), input_range, path)
    if not isinstance(input_shape, Mapping) and (first or of_model != input_shape):
        model = input_axes.fitted(model, input_shape, path)
    if freeze == "all_but_last":
        freeze_all_but_last(model)
    return model


def _loaded(path: str, allow_code: bool) -> keras.Model:
    """Load a file that was checked.

    Raises:
        InputError: Keras cannot load it, or a weight is not finite.
    """
    from keras import models

    try:
        model: keras.Model = models.load_model(path, compile=False, safe_mode=not allow_code)
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        found = f"a model that cannot be loaded ({reason(error)})"
        raise InputError.unexpected(path, found, "one that keras.models.load_model takes") from error
    finite.require_weights(model, path)
    return model


def freeze_layers(model: keras.Model, names: Sequence[str]) -> None:
    """Exclude the weights of some layers from the training.

    Raises:
        InputError: no layer has one of the names.
    """
    layers = list(walk(model))
    known = [layer.name for layer in layers]
    for name in names:
        if name not in known:
            raise InputError.unexpected(
                "keras_file.freeze",
                abbreviate(name),
                f"layers of {comma_list(known)}",
                did_you_mean(name, known).strip(),
            )
    for layer in layers:
        if layer.name in names:
            layer.trainable = False


def freeze_all_but_last(model: keras.Model) -> None:
    """Exclude all weights from the training except those of the last layer with weights."""
    for layer in [layer for layer in walk(model) if holds_weights(layer)][:-1]:
        layer.trainable = False
