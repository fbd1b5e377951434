"""What a script does around its one call: log, errors as messages, digests of code and of files."""
