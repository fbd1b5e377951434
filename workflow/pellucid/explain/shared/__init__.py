"""What attribution methods share: baselines, backgrounds, segments, layers, upsampling."""
