"""Pellucid: train convolutional networks on signals and images, and explain what they look at."""

__version__ = "0.1.0"
