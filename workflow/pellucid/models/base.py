"""The contract of an architecture.

An architecture is a module of this package with two names:

- `SPEC`, a `ModelSpec`;
- `build(input_shape, n_classes, **parameters) -> keras.Model`, uncompiled, ending in a dense layer with a softmax over
  the classes. For tasks other than one class per example, `for_task` changes the activation of this layer. A parameter
  that names a file arrives as the file's path, or as None where the config says none.

Each keyword-only argument of `build` that is annotated with a pydantic `Field` is a parameter of the user: the
signature is the one place that states its type, limits, default and description (`parameters.py`).
An architecture may also define the other functions of `Architecture`; the bodies there say what happens without them.
It imports Keras inside `build`, never at the top: the workflow reads every `SPEC` before it plans a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.network.layers import last_layer
from pellucid.own_code import OwnCode
from pellucid.parameters import File, stated
from pellucid.tasks import ACTIVATION, SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras


# A parameter that the architectures with batch normalisation share.
Momentum = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="momentum of the running statistics of batch normalisation. These statistics are used outside of "
        "training. If an epoch has few steps, they lag behind: lower the momentum (0.9)",
    ),
]
# One of those that were trained on photographs.
White = Annotated[float, Field(gt=0, le=1_000_000, description="the value of full intensity in the data: 1 or 255")]


@dataclass(frozen=True)
class ModelSpec:
    """What an architecture declares about itself, readable without TensorFlow.

    Attributes:
        title: one line for people.
        kinds: of data that it takes: "series", "image".
        features: what methods may require of it:
            "conv": a convolution layer whose maps lie over the axes of the input;
            "relu": at least one ReLU, however it is written, and no rectifier of another form (`rectifiers.py`);
            "rescale_rule": DeepLIFT's rules cover every layer (`deeplift.py`), and so do those of LRP;
            "relevance_rule": those of LRP do (`lrp.py`), of a model without "rescale_rule";
            "gap": global average pooling of feature maps, and after it the dense layer of the classes alone;
            "self_attention": layers MultiHeadAttention over tokens in the order of time; nothing else mixes the tokens
            before their mean, or one of them, is read (`token_graph.py`);
            "attention": a layer `attention_weights` that puts out (N, steps), positive and 1 in sum, where every step
            is an equal share of the time;
            "instances": a layer `windows` that puts out (N, instances, samples, channels), the input cut into windows
            one after the other, and a layer `instance_weights` (N, instances), positive and 1 in sum.
        source: where the architecture comes from.
        files: the files of weights, by the names of the parameters that say where they are. If one is given, the model
            begins with its weights. Each has the parameters `<name>_sha256` and `<name>_md5` beside it.
        opaque: whether its layers and their weights cannot be reached. It then lacks the feature "layers", which every
            other architecture has.
        own_head: whether `build` takes `task` (`tasks.py`) and gives the model the last layer of that task itself:
            models from elsewhere have one already. All others end in a softmax, which `for_task` replaces.
        several_inputs: whether the model may have several inputs: `build` then gets their shapes by name instead of one
            shape, and `features` and `build` the name of the one that is `explained`.
    """

    title: str
    kinds: tuple[str, ...]
    features: tuple[str, ...]
    source: str
    files: Mapping[str, File] = field(default_factory=dict)
    opaque: bool = False
    own_head: bool = False
    several_inputs: bool = False
    function: ClassVar[str] = "build"

    @property
    def contract(self) -> type[Architecture]:
        """The functions that an architecture may have, with their defaults."""
        return Architecture


class Architecture(Protocol):
    """An architecture module, as the rest of the package sees it."""

    SPEC: ModelSpec

    def build(self, input_shape: tuple[int, ...], n_classes: int, **parameters: Any) -> keras.Model: ...

    def check(self, **parameters: Any) -> None:
        """Refuse a combination of parameters (InputError), before any job is planned."""

    def fill(self, **parameters: Any) -> dict[str, str]:
        """Return the values that replace a short name: an address and its checksum, by parameter."""
        return {}

    def addresses(self, **parameters: Any) -> dict[str, str]:
        """Return the paths or addresses of the files to read, by the names under which `build` gets them."""
        return stated(self.SPEC.files, parameters)

    def outputs(self, **parameters: Any) -> int | None:
        """Return the number of the model's outputs if the parameters or a local file tell it."""
        return None

    def own_code(self, **parameters: Any) -> OwnCode | None:
        """Return the user's module whose registered layers the model may have; None for Keras' own layers alone."""
        return None

    def features(self, **parameters: Any) -> tuple[str, ...]:
        """Return which of `SPEC.features` the model has, if that depends on the parameters.

        Raises:
            InputError: a local file that is no model.
        """
        return self.SPEC.features


def for_task(model: keras.Model, task: Task) -> keras.Model:
    """Return the model with the last activation of a task: a softmax, a sigmoid for each label, or none for values.

    Args:
        model: built, its last layer a dense layer with a softmax. Changed in place.
        task: see `tasks.py`.

    Raises:
        InputError: the model ends in another layer.
    """
    if task == SINGLE_LABEL:
        return model
    from keras import activations, layers

    last = last_layer(model)
    if not isinstance(last, layers.Dense) or last.activation is not activations.softmax:
        raise InputError.unexpected(
            f"model {model.name}",
            f'"{last.name}" ({type(last).__name__}) at the end',
            f"a dense layer with a softmax, whose activation is replaced for the task {task}",
        )
    last.activation = activations.get(ACTIVATION[task])
    return model


def require_size(name: str, input_shape: tuple[int, ...], minimum: int) -> None:
    """Refuse inputs that are too short for the convolutions.

    Raises:
        InputError: an axis other than the channels' is shorter than `minimum`.
    """
    if min(input_shape[:-1]) < minimum:
        found = format_shape(input_shape)
        raise InputError.unexpected(
            f"model {name}", f"examples of shape {found}", f"at least {minimum} along every axis"
        )


def require_rgb(name: str, input_shape: tuple[int, ...]) -> None:
    """Refuse images without the three channels red, green and blue.

    Raises:
        InputError: another number of channels.
    """
    if input_shape[-1] != 3:
        raise InputError.unexpected(f"model {name}", f"images of {input_shape[-1]} channel(s)", "3: red, green, blue")
