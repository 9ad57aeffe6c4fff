"""What leaves the database: views, rankings, structures, data packages; and what another installation takes in."""
