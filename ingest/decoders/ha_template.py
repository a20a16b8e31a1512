"""Value templates of Home Assistant, in the forms that devices really send.

Jinja's own parser reads them; what they mean is worked out here, node by node, for the nodes below and no others.
There are no loops, no attributes of Python objects and no calls but those listed, so a template does bounded work and
can reach nothing. Source: https://www.home-assistant.io/docs/configuration/templating/.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from jinja2 import Environment, TemplateError, nodes

from ingest.decoders.ha_functions import (
    FUNCTIONS,
    METHODS,
    TESTS,
    UNDEFINED,
    TemplateFaultError,
    bounded,
    item,
    number,
    text_of,
    truth,
    whole,
)

_LENGTH_MAX: Final = 4_096
_NODES_MAX: Final = 400

_environment: Final = Environment(autoescape=False)  # noqa: S701 - only its parser is used, nothing is ever rendered


_Scope = dict[str, Any]


class Template:
    """A parsed and permitted template."""

    def __init__(self, text: str) -> None:
        """Parse it.

        Raises:
            TemplateFaultError: it is no template, is too long, or does what is not permitted.
        """
        if len(text) > _LENGTH_MAX:
            raise TemplateFaultError(f"template longer than {_LENGTH_MAX} characters")
        try:
            self._body = _environment.parse(text).body
            count = _permitted(self._body)
        except TemplateError as error:
            raise TemplateFaultError(f"no template: {error}") from None
        except RecursionError:
            raise TemplateFaultError("template nested too deeply") from None
        if count > _NODES_MAX:
            raise TemplateFaultError(f"template of more than {_NODES_MAX} parts")

    def render(self, value: str, value_json: Any) -> str:
        """The text it makes of a payload.

        Raises:
            TemplateFaultError: it fails on this value, as it would in Home Assistant.
        """
        scope: _Scope = {"value": value, "value_json": value_json}
        try:
            return _run(self._body, scope).strip()
        except TemplateFaultError:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise TemplateFaultError(f"template failed: {str(error)[:120]}") from None


# ------------------------------------------------------------------------------------------------------- statements


def _run(body: Sequence[nodes.Node], scope: _Scope) -> str:
    out: list[str] = []
    for node in body:
        if isinstance(node, nodes.Output):
            out += (text_of(_evaluate(part, scope)) for part in node.nodes)
        elif isinstance(node, nodes.If):
            out.append(_run(_branch(node, scope), scope))
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            scope[node.target.name] = _evaluate(node.node, scope)
    return bounded("".join(out))


def _branch(node: nodes.If, scope: _Scope) -> Sequence[nodes.Node]:
    if truth(_evaluate(node.test, scope)):
        return node.body
    for other in node.elif_:
        if truth(_evaluate(other.test, scope)):
            return other.body
    return node.else_


# ------------------------------------------------------------------------------------------------------ expressions


def _evaluate(node: nodes.Node, scope: _Scope) -> Any:
    return _NODES[type(node)](node, scope)


def _slice(node: nodes.Getitem, scope: _Scope) -> Any:
    of = _evaluate(node.node, scope)
    part = node.arg
    if not isinstance(part, nodes.Slice):
        return item(of, _evaluate(part, scope))
    if part.step is not None:
        raise TemplateFaultError("a slice with a step")
    ends = [None if one is None else whole(_evaluate(one, scope)) for one in (part.start, part.stop)]
    return of[ends[0] : ends[1]] if isinstance(of, str | list) else UNDEFINED


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return bounded(left + right)
    return number(left) + number(right)


def _arithmetic(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: work(number(left), number(right))


_BINARY: Final[Mapping[type[nodes.Node], Callable[[Any, Any], Any]]] = {
    nodes.Add: _add,
    nodes.Sub: _arithmetic(operator.sub),
    nodes.Mul: _arithmetic(operator.mul),
    nodes.Div: _arithmetic(operator.truediv),
    nodes.FloorDiv: _arithmetic(operator.floordiv),
    nodes.Mod: _arithmetic(operator.mod),
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: right is not UNDEFINED and left in right,
    "notin": lambda left, right: right is UNDEFINED or left not in right,
}


def _binary(node: Any, scope: _Scope) -> Any:
    return _BINARY[type(node)](_evaluate(node.left, scope), _evaluate(node.right, scope))


def _compare(node: nodes.Compare, scope: _Scope) -> bool:
    left = _evaluate(node.expr, scope)
    for operand in node.ops:
        right = _evaluate(operand.expr, scope)
        if not _COMPARISONS[operand.op](left, right):
            return False
        left = right
    return True


def _and(node: nodes.And, scope: _Scope) -> Any:
    left = _evaluate(node.left, scope)
    return _evaluate(node.right, scope) if truth(left) else left


def _or(node: nodes.Or, scope: _Scope) -> Any:
    left = _evaluate(node.left, scope)
    return left if truth(left) else _evaluate(node.right, scope)


def _conditional(node: nodes.CondExpr, scope: _Scope) -> Any:
    if truth(_evaluate(node.test, scope)):
        return _evaluate(node.expr1, scope)
    return UNDEFINED if node.expr2 is None else _evaluate(node.expr2, scope)


def _filter(node: nodes.Filter, scope: _Scope) -> Any:
    if node.node is None:
        raise TemplateFaultError("a filter of nothing")
    return FUNCTIONS[node.name](_evaluate(node.node, scope), *_arguments(node, scope))


def _call(node: nodes.Call, scope: _Scope) -> Any:
    if isinstance(node.node, nodes.Getattr):
        return METHODS[node.node.attr](_evaluate(node.node.node, scope), *_arguments(node, scope))
    if isinstance(node.node, nodes.Name):
        return FUNCTIONS[node.node.name](*_arguments(node, scope))
    raise TemplateFaultError("a call of something else than a name")


def _arguments(node: nodes.Filter | nodes.Call, scope: _Scope) -> list[Any]:
    named = [pair.value for pair in node.kwargs]  # default=..., precision=...: our functions have one of a kind
    return [_evaluate(one, scope) for one in [*node.args, *named]]


def _test(node: nodes.Test, scope: _Scope) -> bool:
    return TESTS[node.name](_evaluate(node.node, scope))


_NODES: Final[Mapping[type[nodes.Node], Callable[[Any, _Scope], Any]]] = {
    nodes.TemplateData: lambda node, _: node.data,
    nodes.Const: lambda node, _: node.value,
    nodes.Name: lambda node, scope: scope.get(node.name, UNDEFINED),
    nodes.Getattr: lambda node, scope: item(_evaluate(node.node, scope), node.attr),
    nodes.Getitem: _slice,
    nodes.List: lambda node, scope: [_evaluate(one, scope) for one in node.items],
    nodes.Tuple: lambda node, scope: [_evaluate(one, scope) for one in node.items],
    nodes.Dict: lambda node, scope: {_evaluate(one.key, scope): _evaluate(one.value, scope) for one in node.items},
    nodes.Neg: lambda node, scope: -number(_evaluate(node.node, scope)),
    nodes.Pos: lambda node, scope: number(_evaluate(node.node, scope)),
    nodes.Not: lambda node, scope: not truth(_evaluate(node.node, scope)),
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Compare: _compare,
    nodes.CondExpr: _conditional,
    nodes.Concat: lambda node, scope: bounded("".join(text_of(_evaluate(one, scope)) for one in node.nodes)),
    nodes.Filter: _filter,
    nodes.Call: _call,
    nodes.Test: _test,
    **dict.fromkeys(_BINARY, _binary),
}
_STATEMENTS: Final = (nodes.Output, nodes.If, nodes.Assign, nodes.Operand, nodes.Pair, nodes.Keyword, nodes.Slice)


def _permitted(body: Sequence[nodes.Node]) -> int:
    """How many parts a template has.

    Raises:
        TemplateFaultError: one of them is not permitted.
    """
    count = 0
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        count += 1
        if type(node) not in _NODES and not isinstance(node, _STATEMENTS):
            raise TemplateFaultError(f"templates with {type(node).__name__} are not evaluated")
        _known(node)
        waiting += node.iter_child_nodes()
    return count


def _known(node: nodes.Node) -> None:
    name: str | None = None
    table: Mapping[str, Any] = FUNCTIONS
    if isinstance(node, nodes.Filter):
        name = node.name
    elif isinstance(node, nodes.Test):
        name, table = node.name, TESTS
    elif isinstance(node, nodes.Call):
        called = node.node
        name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "")
        table = METHODS if isinstance(called, nodes.Getattr) else FUNCTIONS
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateFaultError("templates with * arguments are not evaluated")
    if name is not None and name not in table:
        raise TemplateFaultError(f"templates with {name[:40]} are not evaluated")
