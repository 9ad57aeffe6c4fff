"""Steps of a study of charge densities: fields, snapshots, networks and what they are compared with, the report."""
