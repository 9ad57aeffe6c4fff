"""Scripts of others that pages carry inside them: version, licence, address and hash stand in `3Dmol.json`."""
