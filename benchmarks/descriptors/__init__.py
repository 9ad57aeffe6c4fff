"""The descriptor engine beside matminer: the same numbers, the rates of both, and from database to database."""
