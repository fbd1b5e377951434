"""From a data source to the arrays that every later stage maps: split, scaled, described; and the choice of examples."""
