"""Parameters that are one number for all axes of an example, or one number for each axis."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.errors import InputError


def per_axis(value: int | Sequence[int], axes: Sequence[int], where: str) -> list[int]:
    """Return the number of each axis.

    Args:
        value: one number, or a number for each axis.
        axes: sizes of an example, without its channels.
        where: the parameter, for the message.

    Raises:
        InputError: there are more numbers, or fewer, than axes.
    """
    numbers = [value] * len(axes) if isinstance(value, int) else list(value)
    if len(numbers) != len(axes):
        raise InputError.unexpected(where, f"{len(numbers)} numbers", f"one, or one for each of {len(axes)} axes")
    return numbers


def sizes_per_axis(value: int | Sequence[int], axes: Sequence[int], where: str) -> list[int]:
    """Return the number of each axis, as `per_axis`, which may not exceed the axis.

    Raises:
        InputError: a number is larger than its axis, or there are more numbers, or fewer, than axes.
    """
    sizes = per_axis(value, axes, where)
    for axis, (size, length) in enumerate(zip(sizes, axes, strict=True)):
        if size > length:
            raise InputError.unexpected(where, f"{size} on axis {axis}", f"at most the input's {length}")
    return sizes
