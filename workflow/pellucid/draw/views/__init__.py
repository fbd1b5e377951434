"""Figures of the views, each in a file of the view's name: `draw(arrays, data_info, parameters, caption) -> Figure`."""
