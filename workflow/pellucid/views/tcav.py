"""TCAV: how a change of a layer's features towards a concept changes the scores of a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from pellucid import tables
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layer_choice import conv_layer
from pellucid.parameters import UNIQUE
from pellucid.ranks import holm
from pellucid.tasks import REGRESSION
from pellucid.views.base import ViewData, ViewSpec
from pellucid.views.shared import concept_vectors
from pellucid.views.shared import concepts as concept_sets
from pellucid.views.shared.concept_vectors import Space
from pellucid.views.shared.concepts import Concept
from pellucid.views.shared.features import feature_layer
from pellucid.views.shared.sampling import balanced, drawn, groups, members_of, outputs_of, parts

SPEC = ViewSpec(
    title="Concepts (TCAV)",
    about="The share of a class's test examples whose score rises when the features of a layer move towards a "
    "concept. Filled point: the change differs in size from the changes by random concepts (5% for all tests "
    "together). Hollow point: it does not differ, and the share says nothing. Grey: the shares of random concepts.",
    paper="Kim B, Wattenberg M, Gilmer J, Cai C, Wexler J, Viegas F, Sayres R. Interpretability Beyond Feature "
    "Attribution: Quantitative Testing with Concept Activation Vectors. ICML (2018), equations 1 and 2",
    requires=("labels", "layers"),
    needs=("training", "test", "truth", "groups"),
    texts=("csv",),
    words=("layer", "concept", "output"),
)

LEVEL = 0.05  # probability of one false claim or more among all tests of the view


def check(*, concepts: Mapping[str, Mapping[str, Any]], **unused: object) -> None:
    """Refuse definitions that are no concepts (InputError)."""
    concept_sets.check(concepts)


def files(*, concepts: Mapping[str, Mapping[str, Any]], **unused: object) -> list[str]:
    """Return the files that concepts name."""
    return concept_sets.named_files(concepts)


def compute(
    model: ExplainedModel,
    data: ViewData,
    rng: np.random.Generator,
    *,
    concepts: Annotated[
        Mapping[str, Mapping[str, str | int | float | bool]],
        Field(
            description="concepts by name. Each is one of: {label: a class, label or value}, {planted: a class}, "
            "{group: a group}, {table: a CSV file, column: …, value: …}, {examples: an .npy or .npz file}. none: the "
            "planted motif of each class if the data know it, else each class, label or value"
        ),
    ] = MappingProxyType({}),
    layers: Annotated[
        Sequence[str],
        Field(
            min_length=1,
            max_length=20,
            json_schema_extra=UNIQUE,
            description="layers whose features are used: first or last (behind the first or last convolution), "
            "last_features, the name of a layer, or auto: last if there is a convolution, else last_features",
        ),
    ] = ("auto",),
    positions: Annotated[
        Literal["mean", "each"],
        Field(
            description="mean: a concept is a direction of the mean feature maps, wherever in the example it lies. "
            "each: a direction of the whole output of the layer, as in the paper"
        ),
    ] = "mean",
    classifier: Annotated[
        Literal["logistic", "difference"],
        Field(
            description="how the direction is found. logistic: the normal of a logistic regression. difference: the "
            "difference of both means"
        ),
    ] = "logistic",
    penalty: Annotated[
        float,
        Field(
            gt=0,
            le=1000,
            description="for logistic: weight of the penalty, which is half the squared length of the weights",
        ),
    ] = 0.01,
    examples: Annotated[int, Field(ge=10, le=10_000, description="largest number of examples of each concept")] = 60,
    counterparts: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="number of random sets with which each concept is compared; the scores are means over them",
        ),
    ] = 5,
    draws: Annotated[
        int, Field(ge=5, le=1_000, description="number of random concepts against which each concept is tested")
    ] = 20,
    pool: Annotated[
        int,
        Field(ge=40, le=1_000_000, description="largest number of training examples from which random sets are drawn"),
    ] = 1000,
    points: Annotated[int, Field(ge=1, le=100_000, description="largest number of test examples of each class")] = 100,
    shown: Annotated[
        int, Field(ge=1, le=100, description="largest number of classes, labels or values: the first ones")
    ] = 10,
) -> dict[str, NDArray[Any] | str]:
    """Measure the sensitivity of each output to each concept at each layer, and test it against random concepts.

    Returns:
        `layers` (L,), `concepts` and `kinds` (C,), `outputs` (K,), `members` (K,), number of test examples;
        `examples` (C,), number of examples of each concept. `scores` (L, C, K), the share of an output's test examples
        whose score rises towards the concept, `spread`, its standard deviation over the counterparts, `effects`,
        the mean change of the score, to first order, when the features move along the vector as far as the concept's
        mean lies from that of its counterparts; `random_scores` and `random_effects` (L, C, K, draws) of
        random concepts; `p` and `p_corrected` (Holm) of the effects. `accuracy` (L, C) of telling the concept from
        its counterparts, by examples that were not fitted; `false_positives`, the share of random concepts with p below
        0.05, not corrected; `csv`, all of this as a table.

    Raises:
        InputError: no such layer, no such concept, too few examples, or features that need too much memory.
    """
    y_train, (x_test, y_test), task = data.training[1], data.test, data.task
    outputs = outputs_of(y_train, task)[:shown]
    sampled = balanced(groups(y_test, task), points * len(outputs), rng)
    members = {
        int(unit): (sampled if task == REGRESSION else members_of(y_test, sampled, int(unit), task))[:points]
        for unit in outputs
    }
    members = {unit: rows for unit, rows in members.items() if len(rows)}
    if not members:
        raise InputError.unexpected(
            "test examples", "none of the classes that are shown", "at least one", "Raise shown."
        )
    read = concept_sets.read(data, concepts or concept_sets.automatic(data, list(members)), examples, rng)
    rows = drawn(np.arange(len(y_train)), pool, rng)
    tested = {unit: np.asarray(x_test[at]) for unit, at in members.items()}
    names = list(dict.fromkeys(_layer(model, layer) for layer in layers))
    seed = int(rng.integers(2**63))
    by_layer = []
    with threadpool_limits(1):
        for name in names:
            space = Space(model, name, positions)
            slopes = [space.gradients(x, np.full(len(x), unit, np.int64)) for unit, x in tested.items()]
            features = space.features(parts(data.training[0], rows, model.batch_size()), len(rows)).astype(np.float64)
            # The same draws at every layer: layers differ by the model alone.
            trial = _Trial(space, features, slopes, classifier, penalty, counterparts, draws)
            measured = [trial.run(concept, rows, np.random.default_rng([seed, n])) for n, concept in enumerate(read)]
            by_layer.append({key: np.stack([of[key] for of in measured]) for key in measured[0]})
    arrays: dict[str, Any] = {key: np.stack([of[key] for of in by_layer]) for key in by_layer[0]}
    p = concept_vectors.p_values(arrays["effects"], arrays["random_effects"])
    arrays |= {
        "p": p,
        "p_corrected": holm(p.ravel()).reshape(p.shape),
        "false_positives": np.array(concept_vectors.false_positives(arrays["random_effects"], LEVEL)),
        "layers": np.array(names),
        "concepts": np.array([concept.name for concept in read]),
        "kinds": np.array([concept.kind for concept in read]),
        "examples": np.array([len(concept.examples) for concept in read]),
        "outputs": np.array(list(members)),
        "members": np.array([len(at) for at in members.values()]),
    }
    return arrays | {"csv": _table(arrays, data.data_info["classes"])}


class _Trial:
    """The measurement of concepts at one layer."""

    def __init__(
        self,
        space: Space,
        features: NDArray[np.float64],
        slopes: Sequence[NDArray[np.float32]],
        classifier: concept_vectors.Classifier,
        penalty: float,
        counterparts: int,
        draws: int,
    ) -> None:
        """Keep the features of the pool (M, units) and, for each output, the derivatives of its scores (n, units)."""
        self._space, self._features, self._slopes = space, features, slopes
        self._fit: tuple[concept_vectors.Classifier, float] = (classifier, penalty)
        self._counterparts, self._draws = counterparts, draws

    def run(self, concept: Concept, rows: NDArray[np.int64], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return the arrays of one concept: of each output (K,), and of random concepts (K, draws).

        Args:
            concept: its examples, and the training examples without it.
            rows: the training examples of the pool (M,).
            rng: draws counterparts and random concepts.
        """
        without = np.flatnonzero(np.isin(rows, concept.others))
        own = self._space.features(iter([concept.examples]), len(concept.examples)).astype(np.float64)
        size = min(len(own), len(without) // 2)
        if size < 5:
            found = f"{len(without)} examples without the concept in the pool"
            raise InputError.unexpected(f"concepts.{concept.name}", found, "at least 10", "Raise pool.")
        own = own[np.sort(rng.permutation(len(own))[:size])]
        sets = [self._features[rng.permutation(without)[:size]] for _ in range(self._counterparts)]
        share, effect = self._sensitivities(own, sets)
        random = []
        for _ in range(self._draws):
            order = rng.permutation(without)
            chosen, rest = order[:size], order[size:]
            sets_of_rest = [self._features[rng.permutation(rest)[:size]] for _ in range(self._counterparts)]
            shares, effects = self._sensitivities(self._features[chosen], sets_of_rest)
            random.append((shares.mean(1), effects.mean(1)))
        return {
            "scores": share.mean(1),
            "spread": share.std(1),
            "effects": effect.mean(1),
            "random_scores": np.stack([shares for shares, _ in random], -1),
            "random_effects": np.stack([effects for _, effects in random], -1),
            "accuracy": np.mean([concept_vectors.accuracy(own, others, *self._fit) for others in sets]),
        }

    def _sensitivities(
        self, own: NDArray[np.float64], sets: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the share of positive directional derivatives, and the effect, (K, counterparts) each."""
        vectors = np.stack([concept_vectors.vector(own, others, *self._fit)[0] for others in sets], 1)
        middles = np.stack([own.mean(0) - others.mean(0) for others in sets], 1)
        derivatives = [slopes @ vectors for slopes in self._slopes]
        shares = np.stack([(values > 0).mean(0) for values in derivatives])
        effects = np.stack([values.mean(0) for values in derivatives]) * (vectors * middles).sum(0)
        return shares, effects


def _layer(model: ExplainedModel, layer: str) -> str:
    """Return the address of a layer of the parameter `layers` (InputError: no such layer)."""
    if layer == "auto":
        layer = "last" if model.places.ends else "last_features"
    return feature_layer(model, layer) if layer == "last_features" else conv_layer(model, layer)


def _table(arrays: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> str:
    """Return a row for each layer, concept and output as CSV."""
    import pandas as pd

    rows = [
        {
            "layer": layer,
            "concept": concept,
            "output": classes[unit],
            "score": arrays["scores"][place],
            "score_sd": arrays["spread"][place],
            "random_score": arrays["random_scores"][place].mean(),
            "effect": arrays["effects"][place],
            "random_effect": arrays["random_effects"][place].mean(),
            "p": arrays["p"][place],
            "p_corrected": arrays["p_corrected"][place],
            "accuracy": arrays["accuracy"][place[:2]],
            "concept_examples": arrays["examples"][place[1]],
            "test_examples": arrays["members"][place[2]],
        }
        for place, layer, concept, unit in _cells(arrays)
    ]
    return tables.as_text(pd.DataFrame(rows), float_format="%.6g")


def _cells(arrays: Mapping[str, NDArray[Any]]) -> list[tuple[tuple[int, int, int], str, str, int]]:
    """Return the place of every cell with its layer, concept and output."""
    return [
        ((a, b, c), str(layer), str(concept), int(unit))
        for a, layer in enumerate(arrays["layers"])
        for b, concept in enumerate(arrays["concepts"])
        for c, unit in enumerate(arrays["outputs"])
    ]
