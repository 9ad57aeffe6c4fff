"""Migrations by Alembic; they live in the package so that an installed matsift can migrate itself."""
