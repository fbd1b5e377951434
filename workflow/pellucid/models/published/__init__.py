"""Networks and weights that Keras publishes."""
