"""Search for compositions in the latent space of an autoencoder: the paper's Bayesian optimisation, and beyond it."""
