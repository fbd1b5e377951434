"""One histogram for each class, on one axis of probability."""

from pellucid.draw import style


def draw(arrays, data_info, parameters, caption):
    """Draw what the view has computed. Neither the model nor TensorFlow is needed here.

    Args:
        arrays: what `compute` returned.
        data_info: `data.json`: classes, channels, unit, ….
        parameters: of the view.
        caption: the first line of the heading.
    """
    figure = style.new(6.5, 1.0 + 0.8 * len(data_info["classes"]))
    axes = figure.subplots(len(data_info["classes"]), 1, sharex=True, squeeze=False)[:, 0]
    edges = arrays["edges"]
    for panel, name, counts in zip(axes, data_info["classes"], arrays["counts"], strict=True):
        panel.stairs(counts, edges, fill=True, color=style.PALETTE[0])
        panel.set_title(name, loc="left")
        panel.set_ylabel("examples")
    axes[-1].set_xlabel("probability of the true class")
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure
