"""The ranking report: pure ranking, plots, one HTML file, CSV and Parquet beside it, rows for a terminal."""
