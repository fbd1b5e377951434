"""The trained model: the only door to TensorFlow for explanations."""
