"""Scheduled ingestion, studies and analysts on one server for an hour: what grows, and what they wait for."""
