"""Figures of each stage, drawn from the stage's files: none of them needs the model."""
