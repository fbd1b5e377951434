"""Models from elsewhere: check their files, and change their graph and last layer so that they can be explained."""
