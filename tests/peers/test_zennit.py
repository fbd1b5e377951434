"""LRP's composites agree with those of zennit, which gave them their names, on the same weights."""

import numpy as np
import pytest

from pellucid.explain import lrp
from tests.support import stand_ins
from tests.support.explained import opened
from tests.support.torch_copy import channels_first, channels_last, merged, torch_copy

torch = pytest.importorskip("torch", reason="PyTorch is a peer: `make peers` installs it")


@pytest.fixture(scope="module")
def composites():
    """zennit's composites."""
    try:
        return stand_ins.imported("zennit.composites")
    except ImportError:
        pytest.skip("zennit is a peer: `make peers` installs it")


def relevance(composite, copy, inputs, targets):
    """Return zennit's relevance of the inputs for the logits of the targets."""
    x = channels_first(inputs).requires_grad_()
    with composite.context(copy) as modified:
        logits = modified(x)
        start = torch.zeros_like(logits)
        start[torch.arange(len(targets)), torch.tensor(targets)] = logits.detach()[
            torch.arange(len(targets)), torch.tensor(targets)
        ]
        (found,) = torch.autograd.grad(logits, x, start)
    return channels_last(found)


@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("epsilon_plus", {}),
        ("epsilon_plus_flat", {}),
        ("epsilon_alpha2_beta1", {}),
        ("epsilon_alpha2_beta1_flat", {}),
        ("epsilon_gamma_box", {"low": 0.0, "high": 1.0}),
    ],
)
def test_composites_agree(request, composites, network, name, options, rng):
    model = request.getfixturevalue(network)
    inputs, targets = rng.random((4, *model.input_shape[1:]), np.float32), np.arange(4)
    copy = merged(torch_copy(model))
    words = "".join(part.capitalize() for part in name.split("_"))
    given = dict(options)
    if options:
        given = {
            key: torch.full((1, inputs.shape[-1], *[1] * (inputs.ndim - 2)), value) for key, value in options.items()
        }
    composite = getattr(composites, words)(**given, epsilon=1e-9, stabilizer=1e-9)
    theirs = relevance(composite, copy, inputs, targets)
    ours = lrp.explain(opened(model), inputs, targets, rng, composite=name, epsilon=1e-9, **options)
    largest = np.abs(theirs).max()
    assert largest > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * largest)
