"""Models from elsewhere: their files are checked, and their graph and last layer are made fit for explanation."""
