"""The one exception for bad input, so that a user's mistake reads as a message and not as a traceback."""


class InputError(ValueError):
    """Bad input from the user: a config key, a file, a model.

    Args:
        where: the file, config key or argument that is wrong.
        found: what was there.
        expected: what would be right.
        hint: one more sentence on what to do, if there is one.
    """

    def __init__(self, where: str, found: str, expected: str, hint: str = "") -> None:
        self.where, self.found, self.expected, self.hint = where, found, expected, hint
        message = f"{where}: found {found}; expected {expected}."
        super().__init__(f"{message} {hint}" if hint else message)

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str, str]]:
        return InputError, (self.where, self.found, self.expected, self.hint)
