"""Set up the card that a job may compute on, or hide all cards, before TensorFlow has begun to compute."""

from __future__ import annotations

import logging
from types import ModuleType

from pellucid import devices

logger = logging.getLogger(__name__)


def set_up(tensorflow: ModuleType) -> None:
    """Let TensorFlow see what `devices.choose` allows; change nothing if nothing was chosen.

    Without a card the job computes on the CPU and says so: the same configuration then runs on a machine with a card
    and on one without, as on the nodes of a cluster, and `training.json` names the device of each training. An error
    would stop users who only read results of others, or continue from them.
    """
    choice = devices.choice()
    if choice is None:
        return
    cards = tensorflow.config.list_physical_devices("GPU")
    if not choice.card:
        # CUDA_VISIBLE_DEVICES comes too late for a process that loaded TensorFlow before it was set.
        if cards:
            tensorflow.config.set_visible_devices([], "GPU")
        return
    if not cards:
        logger.warning("gpu: TensorFlow finds no card; this job computes on the CPU")
        devices.use({"name": "CPU"})
        return
    index = 0
    if len(cards) > 1:
        taken = devices.free([card.name for card in cards])
        if taken is None:
            logger.warning("gpu: other jobs have taken all %d cards; this job shares the first", len(cards))
        index = taken or 0
    card = cards[index]
    tensorflow.config.set_visible_devices([card], "GPU")
    tensorflow.config.experimental.set_memory_growth(card, True)
    tensorflow.config.experimental.enable_tensor_float_32_execution(choice.tf32)
    name = tensorflow.config.experimental.get_device_details(card).get("device_name", card.name)
    build = tensorflow.sysconfig.get_build_info()
    devices.use(
        {
            "name": name,
            "driver": devices.driver(),
            "cuda": str(build.get("cuda_version", "unknown")),
            "cudnn": str(build.get("cudnn_version", "unknown")),
            "tf32": choice.tf32,
        }
    )
    logger.info("gpu: this job computes on %s (driver %s)", name, devices.driver())
