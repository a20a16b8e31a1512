"""Filters, functions, methods and tests of value templates; each does work bounded by its arguments.

Source: https://www.home-assistant.io/docs/configuration/templating/ and Jinja's own built-in filters and tests.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

_TEXT_MAX: Final = 65_536
_DIGITS_MAX: Final = 64
_ROUND_MAX: Final = 12
_INT_MAX: Final = 10**30


class TemplateFaultError(ValueError):
    """A template we do not evaluate, or one that fails on this value; says why."""


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = _Undefined()
"""What has no value: ``value_json`` of a payload that is no JSON, a key that is not there."""


def text_of(value: Any) -> str:
    """A value as Jinja prints it."""
    return "" if value is UNDEFINED else value if isinstance(value, str) else bounded(str(value))


def bounded(text: str) -> str:
    """The text, when it is not too long.

    Raises:
        TemplateFaultError: it is not.
    """
    if len(text) > _TEXT_MAX:
        raise TemplateFaultError("result too long")
    return text


def truth(value: Any) -> bool:
    """Whether a condition holds."""
    return value is not UNDEFINED and bool(value)


def item(of: Any, key: Any) -> Any:
    """A key of an object, a place of an array or text; undefined where it is not there."""
    if isinstance(of, dict) and isinstance(key, str | int | float | bool):
        return of.get(key, UNDEFINED)
    if isinstance(of, list | tuple | str) and isinstance(key, int) and -len(of) <= key < len(of):
        return of[key]
    return UNDEFINED


def whole(value: Any) -> int:
    """The value, when it is a whole number.

    Raises:
        TemplateFaultError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TemplateFaultError("not a whole number")
    return value


def number(value: Any) -> int | float:
    """The value, when it is a number of a size to reckon with.

    Raises:
        TemplateFaultError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TemplateFaultError(f"not a number: {str(value)[:40]}")
    if isinstance(value, int) and abs(value) > _INT_MAX:
        raise TemplateFaultError("number too large")
    return value


def _float(value: Any, default: Any = UNDEFINED) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _DIGITS_MAX):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    if default is UNDEFINED:
        raise TemplateFaultError(f"no number: {str(value)[:40]}")
    return default


def _int(value: Any, default: Any = UNDEFINED, base: Any = 10) -> Any:
    try:
        if isinstance(value, str) and len(value) <= _DIGITS_MAX and base in (2, 8, 10, 16):
            return int(value, base) if base != 10 else int(float(value))  # noqa: PLR2004 - decimal
        return int(_float(value))
    except (ValueError, OverflowError):
        if default is UNDEFINED:
            raise TemplateFaultError(f"no whole number: {str(value)[:40]}") from None
        return default


def _round(value: Any, precision: Any = 0, method: Any = "common") -> Any:
    number = _float(value)
    if method != "common":
        raise TemplateFaultError(f"rounding {str(method)[:20]!r}")
    digits = max(-_ROUND_MAX, min(_ROUND_MAX, whole(precision)))
    return round(number, digits) if digits else float(round(number))


def _default(value: Any, instead: Any = "", also_false: Any = False) -> Any:  # noqa: FBT002 - Jinja's own signature
    return instead if value is UNDEFINED or (also_false and not value) else value


def _bool(value: Any, default: Any = UNDEFINED) -> Any:
    word = text_of(value).strip().lower()
    if word in ("1", "true", "on", "yes", "enable"):
        return True
    if word in ("0", "false", "off", "no", "disable"):
        return False
    if default is UNDEFINED:
        raise TemplateFaultError(f"neither true nor false: {word[:40]}")
    return default


def _iif(value: Any, yes: Any = True, no: Any = False) -> Any:  # noqa: FBT002 - Home Assistant's own signature
    return yes if truth(value) else no


def _replace(value: Any, old: Any, new: Any) -> str:
    text, what, by = text_of(value), text_of(old), text_of(new)
    if not what or len(text) * max(1, len(by)) > _TEXT_MAX:
        raise TemplateFaultError("replacement too long")
    return text.replace(what, by)


def _split(value: Any, separator: Any = None, limit: Any = -1) -> list[str]:
    return text_of(value).split(None if separator is None else text_of(separator), whole(limit))


def _get(value: Any, key: Any, default: Any = None) -> Any:
    found = item(value, key)
    return default if found is UNDEFINED else found


def _is_number(value: Any) -> bool:
    return _float(value, None) is not None


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "float": _float,
    "int": _int,
    "round": _round,
    "default": _default,
    "d": _default,
    "bool": _bool,
    "abs": lambda value: abs(number(value)),
    "multiply": lambda value, by: number(_float(value)) * number(by),
    "add": lambda value, by: number(_float(value)) + number(by),
    "bitwise_and": lambda value, by: whole(value) & whole(by),
    "lower": lambda value: text_of(value).lower(),
    "upper": lambda value: text_of(value).upper(),
    "title": lambda value: text_of(value).title(),
    "trim": lambda value: text_of(value).strip(),
    "string": text_of,
    "replace": _replace,
    "length": len,
    "count": len,
    "first": lambda value: item(value, 0),
    "last": lambda value: item(value, -1),
    "iif": _iif,
    "is_defined": lambda value: value,
    "is_number": _is_number,
}
METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "get": _get,
    "split": _split,
    "lower": FUNCTIONS["lower"],
    "upper": FUNCTIONS["upper"],
    "strip": FUNCTIONS["trim"],
    "replace": _replace,
    "startswith": lambda value, start: text_of(value).startswith(text_of(start)),
    "endswith": lambda value, end: text_of(value).endswith(text_of(end)),
}
TESTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "defined": lambda value: value is not UNDEFINED,
    "undefined": lambda value: value is UNDEFINED,
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, dict),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "even": lambda value: whole(value) % 2 == 0,
    "odd": lambda value: whole(value) % 2 == 1,
}
