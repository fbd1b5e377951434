"""What views share: gradient ascent, features, feature maps, medoids, samples."""
