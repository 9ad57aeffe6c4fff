"""Steps of a study of powder diffraction, and the answer to a measured pattern."""
