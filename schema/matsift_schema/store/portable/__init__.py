"""The rows of a study as they go from one database to another: ids replaced by names that mean the same anywhere."""
