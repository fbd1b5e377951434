"""What figures of views are tried on: the kinds of data, and what a figure says."""

from pellucid.draw import style
from tests.support import svg

SERIES = {"kind": "series", "unit": "mV", "sampling_rate_hz": 125.0}
IMAGE = {"kind": "image", "unit": "", "sampling_rate_hz": None}
CLASSES = ["left", "right", "both"]
KINDS = {
    "signal": (SERIES | {"channels": ["ECG"], "classes": CLASSES}, (60, 1)),
    "channels": (SERIES | {"channels": ["acc x", "acc y", "gyro"], "classes": CLASSES}, (50, 3)),
    "image": (IMAGE | {"channels": ["ink"], "classes": CLASSES}, (8, 8, 1)),
    "photograph": (IMAGE | {"channels": ["r", "g", "b"], "classes": CLASSES}, (70, 80, 3)),
}
KINDS = {kind: (data_info | {"shape": list(shape)}, shape) for kind, (data_info, shape) in KINDS.items()}


def words(draw, folder, *arguments):
    """The texts of the figure that `draw` makes, and the figure; the same arrays must give the same bytes."""
    files = []
    for name in ("one", "two"):
        with style.styled():
            figure = draw(*arguments)
            style.save(figure, folder / f"{name}.svg", folder / f"{name}.png")
        files.append([(folder / f"{name}.{suffix}").read_bytes() for suffix in ("svg", "png")])
    assert files[0] == files[1]
    return " ".join(svg.words(folder / "one.svg")), figure


def panels(figure):
    """The axes that are shown."""
    return [axes for axes in figure.axes if axes.get_visible()]
