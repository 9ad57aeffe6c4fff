"""What calibrated intervals hold of compounds whose element was left out of training."""
