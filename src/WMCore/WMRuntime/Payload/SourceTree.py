"""
Look at the parsed form of a source for what only one of python 2 and 3 takes.
"""
import ast

import attr

from WMCore.WMRuntime.Payload.PythonModules import BACKPORTS, BUILTINS2, ONLY_ATTRIBUTES, PYTHON2, PYTHON3, onlyIn

#: Node types that python 2 lacks: name of the type, what it is, the python 3 that brought it.
_NODES = {"JoinedStr": ("an f-string", (3, 6)), "TemplateStr": ("a t-string", (3, 14)),
          "Nonlocal": ("nonlocal", None), "AnnAssign": ("an annotated variable", (3, 6)),
          "AsyncFunctionDef": ("async def", (3, 5)), "AsyncFor": ("async for", (3, 5)),
          "AsyncWith": ("async with", (3, 5)), "Await": ("await", (3, 5)), "MatMult": ("the operator @", (3, 5)),
          "NamedExpr": ("the operator :=", (3, 8)), "YieldFrom": ("yield from", None), "Match": ("match", (3, 10)),
          "TryStar": ("except*", (3, 11)), "TypeAlias": ("a type statement", (3, 12)),
          "Starred": ("a starred expression", None)}
_PLAIN = frozenset(["Constant", "Num", "Str", "Bytes", "NameConstant", "Load", "Store", "Del", "Add", "Sub", "Mult",
                    "Div", "Pass"])
# Node types with nothing of their own to be seen.
_DULL = frozenset(["Attribute", "keyword", "Expr", "Assign", "List", "Tuple", "Module", "UnaryOp", "Subscript",
                   "Index"])
_GUARDS = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException", "StandardError")
_SCOPES = (ast.FunctionDef, ast.ClassDef, ast.Lambda) + (
    (ast.AsyncFunctionDef,) if hasattr(ast, "AsyncFunctionDef") else ())
_CONDITIONAL = (ast.If, ast.FunctionDef, ast.While, ast.For, ast.Lambda, ast.IfExp) + (
    (ast.AsyncFunctionDef,) if hasattr(ast, "AsyncFunctionDef") else ())


@attr.s(frozen=True)
class Seen(object):
    """
    Hold one thing that only one python takes.

    :param line: int
    :param what: str
    :param which: str, the python that takes it: python2 or python3
    :param certain: bool, False when it depends on whether and how that line is reached
    :param since: tuple of int, the first python 3 that takes it, or None
    :param unless: str, the tool of a release that brings it to the other python, or None
    """
    line = attr.ib()
    what = attr.ib()
    which = attr.ib()
    certain = attr.ib(default=True)
    since = attr.ib(default=None)
    unless = attr.ib(default=None)


@attr.s(frozen=True)
class TreeLook(object):
    """
    Hold what a parsed source shows.

    :param seen: tuple of Seen
    :param imports: tuple of (module, line), modules it may import from beside it, also by process.load or execfile
    :param opened: tuple of (name, line), files it opens by a constant name
    """
    seen = attr.ib()
    imports = attr.ib()
    opened = attr.ib()


def _parents(tree):
    """List (node, its line, whether it may not be reached, whether a missing module is caught), without recursion."""
    pending = [(tree, 0, False, False)]
    while pending:
        node, line, maybe, guarded = pending.pop()
        # Arguments and operators have no line of their own.
        line = getattr(node, "lineno", line)
        yield node, line, maybe, guarded
        maybe = maybe or isinstance(node, _CONDITIONAL)
        catches = isinstance(node, ast.Try) and any(_catchesImport(handler) for handler in node.handlers)
        for name in node._fields:
            value = getattr(node, name, None)
            for child in value if type(value) is list else (value,):
                # A dumped PSet has a million of these, and nothing is to be seen in them.
                if isinstance(child, ast.AST) and type(child).__name__ not in _PLAIN:
                    # The handlers of such a try are where the other python's module is taken.
                    pending.append((child, line, maybe, guarded or catches and name in ("body", "handlers")))


def _catchesImport(handler):
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or isinstance(kind, ast.Name) and kind.id in _GUARDS for kind in kinds)


def _name(node):
    return node.id if isinstance(node, ast.Name) else None


def _constant(node):
    """Give a string the node stands for, else None."""
    value = getattr(node, "value", None) if type(node).__name__ == "Constant" else getattr(node, "s", None)
    return value if isinstance(value, str) else None


def _syntax(node):
    """List what the node's own form shows."""
    kind = type(node).__name__
    if kind in _NODES and not (kind == "Starred" and not isinstance(node.ctx, (ast.Store, ast.Load))):
        yield _NODES[kind]
    if isinstance(node, ast.FunctionDef) and (node.returns or any(arg.annotation for arg in _allArguments(node.args))):
        yield "an annotated function", None
    if isinstance(node, ast.arguments) and node.kwonlyargs:
        yield "a keyword-only argument", None
    if isinstance(node, ast.arguments) and getattr(node, "posonlyargs", None):
        yield "a positional-only argument", (3, 8)
    if isinstance(node, ast.ClassDef) and node.keywords:
        yield "a keyword among the bases of a class", None
    if isinstance(node, ast.Raise) and node.cause is not None:
        yield "raise ... from", None
    if isinstance(node, ast.Dict) and None in node.keys:
        yield "** inside a dictionary", (3, 5)
    if isinstance(node, ast.Call) and len([word for word in node.keywords if word.arg is None]) > 1:
        yield "** twice in a call", (3, 5)
    if isinstance(node, ast.Call) and len(node.args) + len(node.keywords) > 255:
        yield "a call with more than 255 arguments", (3, 7)
    if isinstance(node, ast.FunctionDef) and _returnsFromGenerator(node):
        yield "a value returned from a generator", None


def _returnsFromGenerator(function):
    """Tell whether a function both yields and returns something."""
    yields = returns = False
    pending = list(function.body)
    while pending:
        node = pending.pop()
        yields = yields or isinstance(node, (ast.Yield, ast.YieldFrom))
        returns = returns or isinstance(node, ast.Return) and node.value is not None
        if not isinstance(node, _SCOPES):
            pending += ast.iter_child_nodes(node)
    return yields and returns


def _allArguments(arguments):
    every = arguments.args + arguments.kwonlyargs + getattr(arguments, "posonlyargs", [])
    return every + [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]


def _printCall(node, printFunction):
    """Say what is wrong for one python with a use of print, or None."""
    if isinstance(node, ast.Call) and _name(node.func) == "print" and not printFunction and (
            node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args)):
        return PYTHON3, "print with an argument by name, and no `from __future__ import print_function`"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) and _name(node.left) == "print" \
            and not printFunction:
        return PYTHON2, "print >>"
    return None


def _imported(node):
    """List (module, attribute or None) of an import statement, or of a call that imports."""
    if isinstance(node, ast.Import):
        return [(alias.name, None) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "", alias.name) for alias in node.names]
    if isinstance(node, ast.Call) and node.args and _constant(node.args[0]):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
        if called in ("load", "__import__", "import_module") and not _constant(node.args[0]).startswith("."):
            return [(_constant(node.args[0]).replace("/", "."), None)]
    return []


class TreeLooker(object):
    """
    Look at a source, which may come in pieces.

    :param beside: callable telling whether a module of this name lies beside the source, which then comes first
    """

    def __init__(self, beside=lambda module: False):
        self.beside = beside
        self.futures = set()
        self._seen, self._imports, self._opened, self._uses = [], [], [], []
        self._bound, self._caught = set(), False

    def look(self, tree, before=0):
        """
        Take in one piece.

        :param tree: ast.Module
        :param before: int, lines of the source before it
        """
        self.futures.update(alias.name for node in tree.body if isinstance(node, ast.ImportFrom)
                            and node.module == "__future__" for alias in node.names)
        plain = set()
        for node, line, maybe, guarded in _parents(tree):
            kind = type(node).__name__
            if kind in _DULL:
                continue
            line += before
            if kind == "Name":
                if not isinstance(node.ctx, ast.Load):
                    self._bound.add(node.id)
                elif node.id in BUILTINS2:
                    self._uses.append((node.id, line, maybe, guarded))
                continue
            self._caught = self._caught or kind == "ExceptHandler" and _name(node.type) == "NameError"
            if kind == "Call" and node.args and isinstance(node.args[-1], ast.Starred):
                # Python 2 takes one, after the other positional arguments. A call comes before its arguments here.
                plain.add(id(node.args[-1]))
            if id(node) not in plain:
                self._seen += [Seen(line, what, PYTHON3, True, since) for what, since in _syntax(node)]
            self._names(node, line, maybe, guarded)

    def _names(self, node, line, maybe, guarded):
        odd = _printCall(node, "print_function" in self.futures)
        if odd:
            self._seen.append(Seen(line, odd[1], odd[0], odd[0] == PYTHON3 or not maybe))
        for module, attribute in _imported(node):
            self._imports.append((module, line))
            if attribute:
                self._imports.append(("%s.%s" % (module, attribute), line))
            if not self.beside(module.split(".")[0]) and not getattr(node, "level", 0):
                self._seen += _fromModule(module, attribute, line, maybe, guarded)
        self._bound.update(_bound(node))
        if isinstance(node, ast.Call) and _name(node.func) in ("open", "file", "execfile") and node.args:
            if _constant(node.args[0]):
                self._opened.append((_constant(node.args[0]), line))

    def result(self):
        """
        Say what was seen in all of it, in the order of the lines.

        :return: TreeLook
        """
        seen = self._seen + [
            Seen(line, "%s, which python 3 does not have" % name, PYTHON2, not maybe and not guarded)
            for name, line, maybe, guarded in self._uses if name not in self._bound and not self._caught]
        return TreeLook(*(tuple(sorted(items, key=key)) for items, key in (
            (seen, lambda item: (item.line, item.what)), (self._imports, lambda item: item[1]),
            (self._opened, lambda item: item[1]))))


def _bound(node):
    """List the names a node binds other than by assignment."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    return [node.arg] if isinstance(node, ast.arg) else []


def _fromModule(module, attribute, line, maybe, guarded):
    """List what the import of a module, or of a name in it, shows; nothing when its failure is caught."""
    if guarded:
        return []
    which, name = onlyIn(module)
    if which is None and attribute and onlyIn("%s.%s" % (module, attribute))[0]:
        which, name = onlyIn("%s.%s" % (module, attribute))
    if which:
        unless = BACKPORTS.get(name) if which == PYTHON3 else None
        return [Seen(line, "the import of %s" % name, which, not maybe, None, unless)]
    which = ONLY_ATTRIBUTES.get((module, attribute))
    if which:
        since = (3, 7) if (module, attribute) == ("__future__", "annotations") else None
        return [Seen(line, "%s of %s" % (attribute, module), which, not maybe, since)]
    return []
