"""Tables, migrations, views, roles and the store: the only place that writes SQL."""
