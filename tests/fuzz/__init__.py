"""Generated inputs that nobody would write: each is read, or refused by one plain message, in bounded time and memory.

Each topic is a module with `inputs()`, a strategy of descriptions, and `use(described, folder)`, which writes what is
described into the empty `folder` and reads it as the workflow does. `make test` tries some 300 inputs of all topics
together, `make test-slow` 5,000; `python -m tests.fuzz` prints what 5,000 gave.
"""
