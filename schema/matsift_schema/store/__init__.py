"""Reads and bulk writes, one module an aggregate.

Every function takes a session and flushes; none commits, the flow owns the transaction. Arrays leave ordered by the
content hash of the structure, never by a database id, so that the same content gives the same arrays in any database.
"""
