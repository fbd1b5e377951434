"""From a data source to the arrays of every later stage: split, scaled, described; and the choice of examples."""
