"""What leaves one installation and what another takes in: columns, conditions, structures, packages."""
