"""How fast structures come in: out of CIFs, into the database, and beside what others do with the same ones."""
