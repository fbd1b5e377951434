"""How good a trained model is, and whether it uses the evidence that was planted for it."""
