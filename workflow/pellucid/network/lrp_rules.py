"""Rules of layer-wise relevance propagation (LRP) for one affine layer of a traced model.

A layer is a linear operation (a convolution or matrix product) and all affine operations that follow only it: its bias,
a batch normalisation, changes of shape. So batch normalisation is folded without a change of any weight. a_i are the
inputs of the layer, z_ij = a_i w_ij is the part that each adds to the output z_j (with the bias b_j), and R_j is the
relevance of z_j:

- epsilon: R_i = sum_j z_ij / (z_j + epsilon sign(z_j)) R_j;
- gamma: as epsilon, with z_ij + gamma z_ij where z_ij (or the bias) has the sign of z_j;
- alpha_beta: R_i = sum_j (alpha z_ij+ / z_j+ - beta z_ij- / z_j-) R_j with beta = alpha - 1, and the positive and the
  negative parts of the bias in z_j+ and z_j-;
- flat: every input that an output sees gets the same share; w2: the share of w_ij²;
- z_box: z_ij = a_i w_ij - low w_ij+ - high w_ij-, for inputs between low and high.

Sources: Bach S, Binder A, Montavon G, Klauschen F, Müller KR, Samek W. On Pixel-Wise Explanations for Non-Linear
Classifier Decisions by Layer-Wise Relevance Propagation. PLoS ONE 10:e0130140 (2015), equations 56 to 60; Montavon G,
Binder A, Lapuschkin S, Samek W, Müller KR. Layer-Wise Relevance Propagation: An Overview. Explainable AI, LNCS 11700
(2019), section 10.2 and table 10.1; gamma for inputs of both signs: Andéol L, Kawakami Y, Wada Y, Kanamori T, Müller
KR, Montavon G. Learning domain invariant representations by joint Wasserstein distance minimization. Neural Networks
167:233-243 (2023), appendix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pellucid.network.copies import copied, pulled_back

if TYPE_CHECKING:
    import tensorflow as tf

Rule = Literal["epsilon", "gamma", "alpha_beta", "flat", "w2", "z_box"]
# Replace the weights and the constants of a layer.
_Change = Callable[[Any], Any]


class Rules(NamedTuple):
    """The rule of each kind of layer, and the numbers of the rules.

    Attributes:
        first: of the layers that see the input before any other such layer.
        convolution, dense: of the other convolutions and matrix products.
        epsilon: added to every denominator with its sign.
        gamma, alpha: of the rules of these names.
        low, high: smallest and largest value that an input can have, for z_box.
    """

    first: Rule
    convolution: Rule
    dense: Rule
    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2.0
    low: float = 0.0
    high: float = 1.0


class AffineLayer(NamedTuple):
    """A linear operation and the affine operations behind it.

    Attributes:
        op: the linear operation.
        operand: index of its operand that depends on the input; the weights are operand 1.
        then: the operations behind it, in order, with the index of the operand that depends on the input.
    """

    op: tf.Operation
    operand: int
    then: tuple[tuple[tf.Operation, int], ...]

    @property
    def inputs(self) -> tf.Tensor:
        """The values that the weights are multiplied with."""
        tensor: tf.Tensor = self.op.inputs[self.operand]
        return tensor

    @property
    def outputs(self) -> tf.Tensor:
        """The results behind the last operation."""
        tensor: tf.Tensor = (self.then[-1][0] if self.then else self.op).outputs[0]
        return tensor


def stabilised(tf_: Any, z: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Return z + epsilon sign(z), with the sign + at 0."""
    return z + epsilon * tf_.where(z >= 0, tf_.ones_like(z), -tf_.ones_like(z))


def propagated(
    tf_: Any, layer: AffineLayer, relevance: tf.Tensor, rule: Rule, rules: Rules, box: tuple[Any, Any] | None
) -> tf.Tensor:
    """Return the relevance of a layer's inputs from that of its outputs.

    Args:
        tf_: TensorFlow.
        layer: the layer.
        relevance: of the shape of its outputs.
        rule: which rule.
        rules: the numbers of the rules.
        box: for z_box, the lowest and highest value of each input.
    """
    return _Propagation(tf_, layer, relevance, rules).by(rule, box)


class _Propagation:
    def __init__(self, tf_: Any, layer: AffineLayer, relevance: tf.Tensor, rules: Rules) -> None:
        self._tf, self._layer, self._relevance, self._rules = tf_, layer, relevance, rules

    def by(self, rule: Rule, box: tuple[Any, Any] | None) -> tf.Tensor:
        """Return the relevance of the layer's inputs."""
        tf_, layer, values = self._tf, self._layer, self._layer.inputs
        if rule == "epsilon":
            share = self._relevance / self._stable(layer.outputs)
            for op, operand in (*reversed(layer.then), (layer.op, layer.operand)):
                (share,) = pulled_back(tf_, op, [operand], share)
            return values * share
        if rule in ("flat", "w2"):
            ones = tf_.ones_like(values)
            change = tf_.ones_like if rule == "flat" else tf_.square
            total = self._applied(ones, change)
            return tf_.gradients(total, ones, grad_ys=self._relevance / self._stable(total))[0]
        if rule == "z_box":
            return self._in_box(*(box or (None, None)))
        return self._by_sign(rule)

    def _by_sign(self, rule: Rule) -> tf.Tensor:
        """Return the relevance by gamma or alpha_beta, which treat positive and negative contributions apart."""
        tf_, values, rules = self._tf, self._layer.inputs, self._rules
        above, below = tf_.maximum(values, 0), tf_.minimum(values, 0)
        positive, negative = self._pair(above, bias=True)
        if not is_never_negative(values):
            of_negative = self._pair(below, bias=False)
            positive, negative = positive + of_negative[1], negative + of_negative[0]
        if rule == "alpha_beta":
            shares = [
                rules.alpha * self._relevance / self._stable(positive),
                (1 - rules.alpha) * self._relevance / (negative - rules.epsilon),
            ]
        else:
            is_above = tf_.cast(positive + negative > 0, positive.dtype)
            factors = [1 + rules.gamma * is_above, 1 + rules.gamma * (1 - is_above)]
            share = self._relevance / self._stable(factors[0] * positive + factors[1] * negative)
            shares = [share * factor for factor in factors]
        gradients = tf_.gradients([positive, negative], [above, below], grad_ys=shares, unconnected_gradients="zero")
        return above * gradients[0] + below * gradients[1]

    def _in_box(self, low: Any, high: Any) -> tf.Tensor:
        """Return the relevance by z_box; the biases cancel out."""
        tf_ = self._tf
        values = tf_.identity(self._layer.inputs)
        low, high = tf_.zeros_like(values) + low, tf_.zeros_like(values) + high
        total = self._applied(values, tf_.identity) - self._pair(low, bias=False)[0]
        total -= self._pair(high, bias=False)[1]
        corners = [values, low, high]
        gradients = tf_.gradients(total, corners, grad_ys=self._relevance / self._stable(total))
        return tf_.add_n([corner * gradient for corner, gradient in zip(corners, gradients, strict=True)])

    def _stable(self, z: tf.Tensor) -> tf.Tensor:
        return stabilised(self._tf, z, self._rules.epsilon)

    def _linear(self, values: tf.Tensor, change: _Change) -> tf.Tensor:
        layer = self._layer
        return copied(layer.op, {layer.operand: values, 1: change(layer.op.inputs[1])})

    def _applied(self, values: tf.Tensor, change: _Change) -> tf.Tensor:
        """Return the layer of other values with changed weights and factors, without its biases."""
        result = self._linear(values, change)
        for op, operand in self._layer.then:
            if op.type in FACTORS:
                constant = op.inputs[1 - operand]
                result = result * change(1 / constant if op.type == "RealDiv" else constant)
            elif op.type == "Neg":
                result = result * change(-self._tf.ones([], result.dtype))
            elif op.type not in SHIFTS:
                result = copied(op, {operand: result})
        return result

    def _pair(self, values: tf.Tensor, *, bias: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the layer of other values split by the signs of its weights, with all factors behind them.

        For values that are not negative these are the positive and the negative parts of the results. With `bias`, the
        sum of all biases goes to the part of its sign.
        """
        tf_ = self._tf
        positive = self._linear(values, lambda weights: tf_.maximum(weights, 0))
        negative = self._linear(values, lambda weights: tf_.minimum(weights, 0))
        shift = tf_.zeros_like(positive)
        for op, operand in self._layer.then:
            if op.type in FACTORS or op.type == "Neg":
                constant = -tf_.ones([], positive.dtype) if op.type == "Neg" else op.inputs[1 - operand]
                factor = 1 / constant if op.type == "RealDiv" else constant
                above, below = tf_.maximum(factor, 0), tf_.minimum(factor, 0)
                positive, negative = above * positive + below * negative, above * negative + below * positive
                shift = shift * factor
            elif op.type in SHIFTS:
                shift = shift - op.inputs[1 - operand] if op.type == "Sub" else shift + op.inputs[1 - operand]
            else:
                positive, negative, shift = (copied(op, {operand: part}) for part in (positive, negative, shift))
        if bias:
            return positive + tf_.maximum(shift, 0), negative + tf_.minimum(shift, 0)
        return positive, negative


# Affine operations of one value and a constant.
FACTORS = frozenset({"Mul", "RealDiv"})
SHIFTS = frozenset({"Add", "AddV2", "BiasAdd", "Sub"})
_NEVER_NEGATIVE = frozenset({"Abs", "Exp", "Relu", "Relu6", "Sigmoid", "Softplus", "Square"})
_KEEPING = frozenset(
    {
        *("AvgPool", "AvgPool3D", "BatchToSpaceND", "ExpandDims", "Identity", "MaxPool", "MaxPool3D", "Mean", "Pad"),
        *("Reshape", "SpaceToBatchND", "Squeeze", "StridedSlice", "Sum", "Transpose"),
    }
)


def is_never_negative(tensor: tf.Tensor) -> bool:
    """Return whether the operations that make a tensor let it have no negative value."""
    while tensor.op.type in _KEEPING:
        tensor = tensor.op.inputs[0]
    return tensor.op.type in _NEVER_NEGATIVE
