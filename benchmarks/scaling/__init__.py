"""What more workers bring, here and on a Dask cluster."""
