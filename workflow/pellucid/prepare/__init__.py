"""Turn a data source into the arrays of every later stage: split, scaled, described; and choose examples."""
