"""From rows of the database to the records that a ranking report draws."""
