"""What an analyst waits for when the database holds a million structures."""
