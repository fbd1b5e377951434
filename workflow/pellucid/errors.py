"""The one exception for bad input, so that a user's mistake reads as a message and not as a traceback."""

from pellucid.user_text import readable

# Characters of a message: what a file holds may be of any length, and a message is read in a terminal.
LONGEST = 480


class InputError(ValueError):
    """Bad input from the user: a config key, a file, a model.

    The message is one line of at most `LONGEST` characters; longer parts are cut in their middle.

    Args:
        where: the file, config key or argument that is wrong.
        problem: what is wrong, as a sentence.
        hint: one more sentence, on what to do; empty where `problem` says it.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        self._join((where, problem, hint), "{0}: {1}")

    @classmethod
    def unexpected(cls, where: str, found: str, expected: str, hint: str = "") -> "InputError":
        """Return the error of a value that is not allowed: "found 3; expected at most 2".

        Args:
            where: the file, config key or argument that is wrong.
            found: what was there.
            expected: what would be right.
            hint: one more sentence, on what to do; empty where `expected` says it.
        """
        error = cls.__new__(cls)
        error._join((where, found, expected, hint), "{0}: found {1}; expected {2}.")
        return error

    def at(self, where: str) -> "InputError":
        """Return the same error with another `where`."""
        return _again((where, *self._parts[1:]), self._frame)

    def hinting(self, hint: str) -> "InputError":
        """Return the same error with another hint."""
        return _again((*self._parts[:-1], hint), self._frame)

    def _join(self, parts: tuple[str, ...], frame: str) -> None:
        self._parts, self._frame = parts, frame
        self.where, self.hint = parts[0], parts[-1]
        # Cut first: what a file holds may be gigabytes.
        fitting = _fitting(
            [readable(_cut(part, LONGEST)) for part in parts], LONGEST - len(frame.format(*[""] * len(parts))) - 1
        )
        message = frame.format(*fitting)
        super().__init__(f"{message} {fitting[-1]}" if self.hint else message)

    def __reduce__(self) -> tuple[object, tuple[tuple[str, ...], str]]:
        return _again, (self._parts, self._frame)


def _again(parts: tuple[str, ...], frame: str) -> InputError:
    """Rebuild an error from its parts, as pickle does between processes."""
    error = InputError.__new__(InputError)
    error._join(parts, frame)
    return error


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
    """Return the text, cut in its middle to at most `most` characters."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"
