"""New compositions by generative networks and latent search: encoding, generators, validity, structures, stability."""
