"""Work in processes that may hang or crash without harm to their neighbours."""
