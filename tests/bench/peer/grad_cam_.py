"""pytorch-grad-cam, on a copy of the network in PyTorch; its maps before they are resized, which OpenCV would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.cases import Case
from tests.support import stand_ins

NAME = "pytorch-grad-cam"
SIZELESS = False
CLASSES = {
    "hires_cam": "HiResCAM",
    "xgrad_cam": "XGradCAM",
    "ablation_cam": "AblationCAM",
    "eigen_cam": "EigenCAM",
}
METHODS = tuple(CLASSES)


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package."""
    from tests.support.torch_copy import channels_first

    if case.inputs.ndim != 4:
        raise ValueError("images only")
    peer, copy = stand_ins.imported("pytorch_grad_cam"), case.in_torch
    layer = getattr(copy, f"{case.layer}_activation", None) or getattr(copy, case.layer)
    explainer = getattr(peer, CLASSES[method])(copy, [layer])
    inputs = channels_first(case.inputs)
    wanted = [peer.utils.model_targets.ClassifierOutputTarget(int(target)) for target in case.targets]
    kept = explainer.activations_and_grads

    def maps(start: int, end: int) -> Any:
        targets = wanted[start:end]
        outputs = kept(inputs[start:end])
        if method in ("hires_cam", "xgrad_cam"):
            sum(target(output) for target, output in zip(targets, outputs, strict=True)).backward()
        activations, gradients = ([each.detach() for each in found] for found in (kept.activations, kept.gradients))
        first = activations[0] if method == "ablation_cam" else activations[0].numpy()
        slopes = gradients[0].numpy() if gradients else None
        return explainer.get_cam_image(inputs[start:end], layer, targets, first, slopes, False)

    def run(number: int) -> None:
        if method == "ablation_cam":
            explainer.batch_size = size
        # Ablation goes through the examples one by one: only its copies of one come in batches.
        for start in range(0, number, size):
            maps(start, min(start + size, number))

    return run
