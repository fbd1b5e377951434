"""The one exception for bad input, so that a user's mistake reads as a message and not as a traceback."""

from pellucid.user_text import readable

# Characters of a message: what a file holds may be of any length, and a message is read in a terminal.
LONGEST = 480


class InputError(ValueError):
    """Bad input from the user: a config key, a file, a model.

    The message is one line of at most `LONGEST` characters: the longest of its parts are cut in their middle.

    Args:
        where: the file, config key or argument that is wrong.
        found: what was there.
        expected: what would be right.
        hint: one more sentence on what to do, if there is one.
    """

    def __init__(self, where: str, found: str, expected: str, hint: str = "") -> None:
        self.where, self.found, self.expected, self.hint = where, found, expected, hint
        # Cut first: what a file holds may be gigabytes.
        parts = [readable(_cut(part, LONGEST)) for part in (where, found, expected, hint)]
        where, found, expected, hint = _fitting(parts, LONGEST - len(": found ; expected . "))
        message = f"{where}: found {found}; expected {expected}."
        super().__init__(f"{message} {hint}" if hint else message)

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str, str]]:
        return InputError, (self.where, self.found, self.expected, self.hint)


def one_line(message: str) -> str:
    """Return the message as one line of at most `LONGEST` characters, cut in its middle where it is longer."""
    return _fitting([readable(message)], LONGEST)[0]


def _fitting(parts: list[str], room: int) -> list[str]:
    """Cut the longest texts in their middle, all to one length, until together they have at most `room` characters."""
    most = min(max(map(len, parts)), room)
    while sum(min(len(part), most) for part in parts) > room:
        most -= 1
    return [_cut(part, most) for part in parts]


def _cut(text: str, most: int) -> str:
    """The text with at most `most` characters, without some in its middle."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"
