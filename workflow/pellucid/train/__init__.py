"""Train models; a killed run goes on and ends with the weights of one that was never killed."""
