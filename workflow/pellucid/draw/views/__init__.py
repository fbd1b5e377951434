"""The figure of each view, in a file of the view's name: `draw(arrays, data_info, parameters, caption) -> Figure`."""
