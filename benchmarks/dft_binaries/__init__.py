"""The campaign of docs/campaigns.md with density functional theory: its compounds, its start, what came out."""
