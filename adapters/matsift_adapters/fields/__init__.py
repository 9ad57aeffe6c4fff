"""Fields on grids: files of electronic-structure codes in, compressed artifacts out and in."""
