"""Files that leave an installation: tables, structures, data packages; each appears whole or not at all."""
