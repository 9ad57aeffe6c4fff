"""How fast and how rightly the profile search finds a pattern among 100,000 structures."""
