"""A model of your own from a `.keras` file: explained as it is, or fine-tuned on the data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.models.base import ModelSpec
from pellucid.models.imported import archive, head, own_keys, sizes
from pellucid.models.imported.tidy import tidied
from pellucid.network import finite
from pellucid.network.layers import holds_weights, walk
from pellucid.network.same_function import reason
from pellucid.parameters import UNIQUE, File, one_of

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="A model of your own, from a .keras file",
    kinds=("series", "image"),
    features=archive.FEATURES,
    source='your own: see "Your own model" in the README',
    files={"file": File("path or address of a model that Keras 3 saved")},
)


def check(
    *,
    file: str,
    features: str | Sequence[str],
    classes: Sequence[str | int],
    input_range: Sequence[float],
    **others: object,
) -> None:
    """Refuse an address of which nobody says what the model has: it is planned for before it is downloaded.

    What `own_keys.check` refuses is refused too.

    Raises:
        InputError: as said.
    """
    if features == "auto" and not is_local(file):
        expected = "a list of what the model has of conv, relu, rescale_rule and gap"
        raise InputError.unexpected(
            "features", "auto, and an address", expected, "A file on this machine is looked into."
        )
    own_keys.check(classes=classes, input_range=input_range)


def features(
    *,
    file: str,
    features: str | Sequence[str],
    allow_code: bool,
    new_head: bool,
    classes: Sequence[str | int],
    **others: object,
) -> tuple[str, ...]:
    """What the file says, or what the config says of an address.

    Raises:
        InputError: a file that is no model, or one that is not taken (`archive.check`); another number of `classes`
            than the model has outputs.
    """
    if not is_local(file):
        return tuple(features)
    path = local_path(file)
    if not path.is_file():  # which the check of the files tells
        return SPEC.features
    config = archive.read(path)
    archive.check(config, str(path), allow_code=allow_code)
    if not new_head:
        own_keys.check_number(classes, config, str(path))
    if features == "auto":
        return archive.features(config, str(path))
    archive.lacking(features, config, str(path))
    return tuple(features)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    file: Path | str,
    features: Annotated[
        Literal["auto"]
        | Annotated[Sequence[Annotated[str, one_of(archive.FEATURES)]], Field(json_schema_extra=UNIQUE)],
        Field(
            description="what methods find in the model: auto reads it from the file, which must then be on this "
            "machine; of an address it must be said: a list of conv, relu, rescale_rule, gap"
        ),
    ] = "auto",
    freeze: Annotated[
        Literal["none", "all_but_last"] | Annotated[Sequence[str], Field(json_schema_extra=UNIQUE)],
        Field(
            description="what fine-tuning leaves alone: none, all_but_last (all weights but those of the last layer "
            "that has some), or a list of layers; the name of a nested model means all of its layers"
        ),
    ] = "none",
    new_head: Annotated[
        bool, Field(description="true: a new last dense layer, with random weights, for the classes of the data")
    ] = False,
    allow_code: Annotated[
        bool,
        Field(
            description="true: code in the file (Lambda layers) may run, with all that you may do yourself: files, "
            "network, passwords. Only for files whose maker you trust"
        ),
    ] = False,
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
) -> keras.Model:
    """The model of the file, made usable (`tidy.tidied`), with a softmax over the classes at its end.

    Raises:
        InputError: a file that is not taken (`archive.check`) or lacks what `features` says, inputs of another shape
            than the data's, another number of classes without `new_head`, or a layer to freeze that is not there.
    """
    from keras import config as settings
    from keras import models

    looked_over = archive.look_over(file)
    described = looked_over.config
    archive.check(described, str(file), allow_code=allow_code)
    if not new_head:
        own_keys.check_number(classes, described, str(file))
    if features != "auto":
        archive.lacking(features, described, str(file))
    archive.require_shape(described, str(file), input_shape, "of the data's examples")
    sizes.require_buildable(described, looked_over.stored, str(file), allow_code=allow_code)
    try:
        model = models.load_model(file, compile=False, safe_mode=not allow_code)
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        found = f"a model that cannot be loaded ({reason(error)})"
        raise InputError.unexpected(str(file), found, "one that keras.models.load_model takes") from error
    finite.require_weights(model, str(file))
    if freeze not in ("none", "all_but_last"):
        freeze_layers(model, freeze)  # by the names that the file gives them
    if allow_code:
        settings.enable_unsafe_deserialization()
    model = tidied(model, str(file))
    model = head.with_new_head(model, n_classes, str(file)) if new_head else model
    model = head.with_softmax(model, n_classes, str(file))
    model = own_keys.with_input_range(model, input_range, str(file))
    if freeze == "all_but_last":
        freeze_all_but_last(model)
    return model


def freeze_layers(model: keras.Model, names: Sequence[str]) -> None:
    """Leave the weights of some layers out of the training.

    Raises:
        InputError: no layer of that name.
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
    """Leave all weights but those of the last layer that has some out of the training."""
    for layer in [layer for layer in walk(model) if holds_weights(layer)][:-1]:
        layer.trainable = False
