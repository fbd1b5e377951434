"""Layer-wise relevance propagation (LRP) on the operations of a traced model, from the logits back to the input.

Every convolution and matrix product has a rule (`lrp_rules.py`). The other operations between the input and the logits:

- an element-wise function of one value (an activation, also one of several operations, or a batch normalisation that
  follows no convolution) passes its relevance on as it is;
- sums of several values (skip connections) and means share it in proportion to the values, by the rule epsilon;
- a maximum gives all of it to the greatest value; changes of shape, padding and concatenation move it;
- a layer normalisation passes it on as it is (`lrp_layers.py`); the steps of an LSTM or GRU are laid out one after the
  other; products of two values, as in their gates and in attention, have rules of their own (`lrp_products.py`).

Other operations are refused by the name of their layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError
from pellucid.network import deeplift, tracing
from pellucid.network.bias_gradients import score_of
from pellucid.network.copies import copied, pulled_back
from pellucid.network.lrp_layers import Norms, recurrent, step_by_step
from pellucid.network.lrp_products import MATRIX_PRODUCTS, PRODUCTS, Products
from pellucid.network.lrp_rules import FACTORS, SHIFTS, AffineLayer, Rules, propagated, stabilised

if TYPE_CHECKING:
    import tensorflow as tf

    from pellucid.network.structure import ModelStructure
    from pellucid.network.traced_functions import TracedFunctions

# The operand that depends on the input, of linear operations with weights.
_WEIGHTED = {
    **dict.fromkeys(("Conv2D", "Conv3D", "DepthwiseConv2dNative", *MATRIX_PRODUCTS), 0),
    **dict.fromkeys(("Conv2DBackpropInput", "Conv3DBackpropInputV2"), 2),
}
_SHARING = frozenset({"AvgPool", "AvgPool3D", "Cumsum", "Mean", "ResizeBilinear", "Sum"})
_SUMMING = frozenset({"Add", "AddN", "AddV2", "Sub"})
# What these pass on is moved to where it comes from: their slopes are 0 and 1.
_MOVING = frozenset(
    {
        *("BatchToSpaceND", "ConcatV2", "ExpandDims", "GatherV2", "Identity", "MirrorPad", "Pack", "Pad", "PadV2"),
        *("Reshape", "ResizeNearestNeighbor", "ReverseV2", "SpaceToBatchND", "Squeeze", "StridedSlice", "Tile"),
        *("Transpose", "Max", "Maximum", "MaxPool", "MaxPool3D", "Min", "Minimum"),
    }
)
_CUTTING = frozenset({"Split", "SplitV", "Unpack"})
_RESHAPING = frozenset({"BatchToSpaceND", "ExpandDims", "Identity", "Reshape", "Squeeze", "Transpose"})


class Relevance:
    """Build the function of one model and one set of rules.

    Args:
        tf_: TensorFlow.
        functions, structure: of the model.
        rules: which rule each layer has.

    Attributes:
        layers: names of the layers at whose inputs the relevance is summed; known when the function was traced.
    """

    def __init__(self, tf_: Any, functions: TracedFunctions, structure: ModelStructure, rules: Rules) -> None:
        self._tf, self._functions, self._structure, self._rules = tf_, functions, structure, rules
        self.layers: list[str] = []

    def __call__(self, batch: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the relevance of the input, and the sum of the relevance that each layer's input has.

        Args:
            batch: (N, *input_shape).
            classes: the targets.

        Returns:
            (N, *input_shape), and (N, layers) for the layers with weights, from the last to the first.

        Raises:
            InputError: an operation without a rule, or z_box on a layer that does not see the input itself.
        """
        tf_, owners = self._tf, dict[str, str]()
        with ExitStack() as stack:
            for name, layer in self._structure.layers.items():
                stack.enter_context(tracing.record_owners(tf_, layer, name, owners))
                stack.enter_context(step_by_step(layer))
            logits = self._functions.logits(batch)
        score = score_of(self._functions, logits, batch, classes)
        walk = _Walk(tf_, deeplift.trace_path(batch, logits), self._rules, owners, self._structure.layers)
        walk.start(tf_.gradients(score, logits)[0] * logits)
        relevance = walk.run()
        self.layers = [owners.get(op.name, "") for op, _ in walk.sums]
        rows = tf_.shape(batch)[0]
        sums = [tf_.reduce_sum(tf_.reshape(values, [rows, -1]), 1) for _, values in walk.sums]
        return relevance, tf_.stack(sums, 1) if sums else tf_.zeros([rows, 0])


class _Walk:
    """The way of the relevance from the end of a path to its start."""

    def __init__(
        self, tf_: Any, path: deeplift.Path, rules: Rules, owners: dict[str, str], layers: Mapping[str, Any]
    ) -> None:
        self._tf, self._path, self._rules, self._owners = tf_, path, rules, owners
        self._recurrent = recurrent(layers)
        self._norms, self._products = Norms.of(path, owners, layers), Products(tf_, path, rules.epsilon)
        self._layers = {layer.outputs.ref(): layer for layer in self._affine_layers()}
        self._before = self._behind_weights()
        self._single = self._dominators()
        self._relevance: dict[Any, tf.Tensor] = {}
        self.sums: list[tuple[tf.Operation, tf.Tensor]] = []

    def start(self, relevance: tf.Tensor) -> None:
        """Give the end of the path its relevance."""
        self._add(self._path.end, relevance)

    def run(self) -> tf.Tensor:
        """Return the relevance of the start of the path."""
        for step in reversed(self._path.steps):
            if step.op.type in _CUTTING:
                self._put_together(step)
                continue
            for output in step.op.outputs:
                if (relevance := self._relevance.pop(output.ref(), None)) is None:
                    continue
                if (source := self._norms.source(output)) is not None:
                    self._add(source, relevance)
                elif (layer := self._layers.get(output.ref())) is not None:
                    passed = self._through(layer, relevance)
                    self.sums.append((layer.op, passed))
                    self._add(layer.inputs, passed)
                else:
                    self._pass_on(step, output, relevance)
        return self._relevance[self._path.start.ref()]

    def _add(self, tensor: tf.Tensor, relevance: tf.Tensor) -> None:
        key = tensor.ref()
        self._relevance[key] = self._relevance[key] + relevance if key in self._relevance else relevance

    def _put_together(self, step: deeplift.PathStep) -> None:
        """Give a value the relevance of all of its pieces; hundreds of consecutive steps are joined at once."""
        tf_, op = self._tf, step.op
        pieces = [self._relevance.pop(output.ref(), None) for output in op.outputs]
        if all(piece is None for piece in pieces):
            return
        whole = [tf_.zeros_like(o) if piece is None else piece for o, piece in zip(op.outputs, pieces, strict=True)]
        if op.type == "Unpack":
            passed = tf_.stack(whole, op.get_attr("axis"))
        else:
            passed = tf_.concat(whole, op.inputs[{"Split": 0, "SplitV": 2}[op.type]])
        self._add(op.inputs[step.operands[0]], passed)

    def _pass_on(self, step: deeplift.PathStep, output: tf.Tensor, relevance: tf.Tensor) -> None:
        """Give the relevance of an operation without weights to its operands."""
        op, operands = step
        if self._products.is_shifted_sum(step):
            value = op.inputs[operands[0]]
            self._add(value, value * relevance / stabilised(self._tf, output, self._rules.epsilon))
            return
        if self._owners.get(op.name, "") in self._recurrent and self._products.is_gated_constant(step):
            return  # the constant has it: a bias, while the state is still zero
        if (source := self._single.get(output.ref())) is not None:
            self._add(source, relevance)
            return
        values = [op.inputs[operand] for operand in operands]
        if op.type in _SUMMING | (_SHARING if len(operands) == 1 else frozenset()):
            share = relevance / stabilised(self._tf, output, self._rules.epsilon)
            for value, slope in zip(values, pulled_back(self._tf, op, operands, share), strict=True):
                self._add(value, value * slope)
        elif op.type in _MOVING:
            for value, moved in zip(values, pulled_back(self._tf, op, operands, relevance), strict=True):
                self._add(value, moved)
        elif op.type in PRODUCTS and (shares := self._products.shares(step, output, relevance)):
            for value, passed in shares:
                self._add(value, passed)
        else:
            self._refuse(op, f"the operation {op.type} on {'several values' if len(operands) > 1 else 'one value'}")

    def _through(self, layer: AffineLayer, relevance: tf.Tensor) -> tf.Tensor:
        rules, is_first = self._rules, layer.inputs.ref() not in self._before
        rule = rules.first if is_first else rules.dense if layer.op.type in MATRIX_PRODUCTS else rules.convolution
        box = self._box(layer) if rule == "z_box" else None
        return propagated(self._tf, layer, relevance, rule, rules, box)

    def _box(self, layer: AffineLayer) -> tuple[Any, Any]:
        """Return the lowest and the highest value of a layer's inputs, which may be moved and scaled before it."""
        tf_, start, tensor = self._tf, self._path.start, layer.inputs
        chain: list[tuple[tf.Operation, int]] = []
        while tensor is not start:
            op, operands = self._path.makers[tensor.ref()]
            if len(operands) != 1 or op.type not in _MOVING | FACTORS | SHIFTS | {"Cast", "Neg"}:
                self._refuse(layer.op, "z_box on a layer that does not see the input itself, scaled or moved")
            chain.append((op, operands[0]))
            tensor = op.inputs[operands[0]]
        corners = [
            tf_.fill(tf_.shape(start), tf_.cast(value, start.dtype)) for value in (self._rules.low, self._rules.high)
        ]
        for op, operand in reversed(chain):
            corners = [copied(op, {operand: corner}) for corner in corners]
        return tf_.minimum(*corners), tf_.maximum(*corners)

    def _affine_layers(self) -> list[AffineLayer]:
        """Return every linear operation with weights, with the affine operations that follow it alone."""
        uses = Counter(step.op.inputs[place].ref() for step in self._path.steps for place in step.operands)
        uses[self._path.end.ref()] += 1
        users = {step.op.inputs[place].ref(): step for step in self._path.steps for place in step.operands}
        layers = []
        for op, operands in self._path.steps:
            if operands != (_WEIGHTED.get(op.type),):
                continue
            then: list[tuple[tf.Operation, int]] = []
            output = op.outputs[0]
            while uses[output.ref()] == 1 and output is not self._path.end and _is_affine(users[output.ref()]):
                step = users[output.ref()]
                then.append((step.op, step.operands[0]))
                output = step.op.outputs[0]
            layers.append(AffineLayer(op, operands[0], tuple(then)))
        return layers

    def _behind_weights(self) -> set[Any]:
        """Return references to the tensors that depend on the input through a layer with weights."""
        behind: set[Any] = set()
        for op, operands in self._path.steps:
            if operands == (_WEIGHTED.get(op.type),) or any(op.inputs[place].ref() in behind for place in operands):
                behind.update(output.ref() for output in op.outputs)
        return behind

    def _dominators(self) -> dict[Any, tf.Tensor]:
        """Map a reference to each result of element-wise operations to the nearest value that it is a function of.

        An activation of several operations, such as x · sigmoid(x), is a function of the value that all of them start
        from. A result that is no function of one value has no entry.
        """
        single: dict[Any, tf.Tensor] = {}
        lines: dict[Any, list[tf.Tensor]] = {}
        for op, operands in self._path.steps:
            for place, output in enumerate(op.outputs):
                used = operands if op.type != "IdentityN" else tuple({place} & {*operands})
                before = [op.inputs[operand] for operand in used]
                if not before or op.type not in deeplift.ELEMENTWISE:
                    continue
                if not all(output.shape[1:].is_compatible_with(value.shape[1:]) for value in before):
                    continue
                # The values that every way to this result passes through, from the nearest to the farthest.
                paths = [[value, *lines.get(value.ref(), [])] for value in before]
                common = [value for value in paths[0] if all(any(value is other for other in way) for way in paths)]
                if common:
                    single[output.ref()], lines[output.ref()] = common[0], common
        return single

    def _refuse(self, op: tf.Operation, found: str) -> None:
        layer = self._owners.get(op.name, "")
        raise InputError.unexpected(
            f"lrp: layer {layer}" if layer else "lrp: an operation of the model",
            f"{found}, for which there is no rule",
            "layers such as Conv, Dense, BatchNormalization, Add, Concatenate, pooling, and element-wise activations",
            "Use integrated_gradients or gradient_shap, which take any layer that has a gradient.",
        )


def _is_affine(step: deeplift.PathStep) -> bool:
    """Return whether an operation is a shift or a scaling by constants, or a change of shape."""
    op, operands = step
    if len(operands) != 1:
        return False
    if op.type in _RESHAPING or op.type == "Neg":
        return operands == (0,)
    if op.type in FACTORS | SHIFTS and (operands == (0,) or op.type not in ("RealDiv", "Sub")):
        shape = op.outputs[0].shape
        value = op.inputs[operands[0]]
        return bool(value.shape.rank == shape.rank and value.shape[1:].is_compatible_with(shape[1:]))
    return False
