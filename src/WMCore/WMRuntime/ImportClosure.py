"""
Compute which modules a program can reach by importing, and which of these can be imported at all.

The sources are parsed, never run: packing a sandbox must not depend on what the agent happens to have
loaded, and must see the imports inside functions that run for the first time on the worker node, late in
a job (#11918: one new import in a module nobody thought of stopped every job).
"""
import ast
import os
import sys
import sysconfig
import warnings

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

# Packages that exist only inside a running job (see Startup and BuildMaster).
JOB_PACKAGES = ("WMSandbox", "WMTaskSpace")
_IMPORT_GUARDS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@attr.s(frozen=True)
class ImportedName(object):
    """
    Hold one name that a module imports.

    :param name: str, dotted; for `from a import b` there is one for a and one for a.b
    :param isHard: bool, whether importing the module itself fails when the name is missing: it is imported
        at the top, neither in a function nor under a condition nor where an ImportError is caught
    :param mayBeAttribute: bool, whether the name need not be a module (the b of `from a import b`)
    """
    name = attr.ib(type=str)
    isHard = attr.ib(type=bool)
    mayBeAttribute = attr.ib(default=False, type=bool)


class _ImportCollector(ast.NodeVisitor):
    """Walk a module's syntax tree and collect what it imports, and how urgently."""

    def __init__(self, package):
        self.package = package
        self.depth = 0
        self.imports = []

    def _softly(self, nodes):
        self.depth += 1
        for node in nodes:
            self.visit(node)
        self.depth -= 1

    def visit_FunctionDef(self, node):
        """Take the imports of a function as soft."""
        self._softly(ast.iter_child_nodes(node))

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef
    visit_If = visit_FunctionDef

    def visit_Try(self, node):
        """Take the imports under a handler for import errors as soft."""
        guarded = any(_catchesImportError(handler) for handler in node.handlers)
        if guarded:
            self._softly(node.body)
        else:
            for child in node.body:
                self.visit(child)
        self._softly(node.handlers)
        for child in node.orelse + node.finalbody:
            self.visit(child)

    def visit_Import(self, node):
        """Collect `import a.b`."""
        for alias in node.names:
            self.imports.append(ImportedName(alias.name, not self.depth))

    def visit_ImportFrom(self, node):
        """Collect `from a import b`, relative ones made absolute."""
        base = node.module or ""
        if node.level:
            parents = self.package.split(".")
            kept = parents[:len(parents) - node.level + 1]
            base = ".".join(kept + ([base] if base else []))
        self.imports.append(ImportedName(base, not self.depth))
        for alias in node.names:
            if alias.name != "*":
                self.imports.append(ImportedName("%s.%s" % (base, alias.name), not self.depth, True))


def _catchesImportError(handler):
    """Tell whether an except clause takes an ImportError."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(getattr(kind, "id", "") in _IMPORT_GUARDS for kind in kinds)


def importsOf(source):
    """
    List what a module imports.

    :param source: ModuleSource
    :return: tuple of ImportedName, in the order of the source
    :raises WMRuntimeError: when the module cannot be parsed
    """
    try:
        with warnings.catch_warnings():
            # Others' odd escape sequences are not this log's business.
            warnings.simplefilter("ignore")
            tree = ast.parse(source.read())
    except (SyntaxError, ValueError) as ex:
        raise WMRuntimeError(99109, "A module for the sandbox cannot be parsed.",
                             "%s in %s: %s" % (source.name, source.member or source.location, ex),
                             "mend the module, or leave it out of the packages to be packed")
    package = source.name if source.isPackage else source.name.rpartition(".")[0]
    collector = _ImportCollector(package)
    collector.visit(tree)
    return tuple(collector.imports)


def isStandardLibrary(name):
    """
    Tell whether a top-level name belongs to Python's standard library.

    :param name: str, the first part of a dotted name
    :return: bool
    """
    known = getattr(sys, "stdlib_module_names", None)
    if known is not None:
        return name in known
    if name in sys.builtin_module_names:
        return True
    paths = sysconfig.get_paths()
    folders = [folder for key in ("stdlib", "platstdlib")
               for folder in (paths[key], os.path.join(paths[key], "lib-dynload"))]
    return any(_holdsModule(folder, name) for folder in folders)


def _holdsModule(folder, name):
    """Tell whether a directory holds a module or extension of that name."""
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    return any(entry == name or entry.split(".", 1)[0] == name and entry.endswith((".py", ".so"))
               for entry in names)


@attr.s(frozen=True)
class ImportClosure(object):
    """
    Hold what can be reached by importing from a set of roots.

    :param modules: tuple of str, sorted: what is reached and can be imported
    :param leftOut: dict of str to str, what is reached but cannot be imported, and the name it lacks
    :param reachedBy: dict of str to str, for each module the one that led to it; "" for a root
    """
    modules = attr.ib(type=tuple)
    leftOut = attr.ib(type=dict)
    reachedBy = attr.ib(type=dict)


def _neighbours(index, imported):
    """List the modules of the index an imported name leads to: itself and its parents, outermost first."""
    parts = imported.name.split(".")
    prefixes = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [prefix for prefix in prefixes if prefix in index]


def _missing(index, imported, refused):
    """
    Name what makes a hard import fail, if anything does.

    :param index: dict of str to ModuleSource
    :param imported: ImportedName
    :param refused: container of str, modules known not to be importable
    :return: str, or "" when the import works
    """
    top = imported.name.split(".")[0]
    if top not in index:
        known = isStandardLibrary(top) or top in JOB_PACKAGES or top == "__future__"
        return "" if known else top
    for name in _neighbours(index, imported):
        if name in refused:
            return name
    if imported.name not in index and not imported.mayBeAttribute:
        return imported.name
    return ""


def computeClosure(index, roots, unused=()):
    """
    Follow the imports from the roots.

    A module is left out when it needs, at its top and without a guard, something that is neither in
    the index nor in the standard library, or another module left out for that reason: it could not be
    imported on a worker node, so its bytes and all that only it reaches would be for nothing.

    :param index: dict of str to ModuleSource, all that could be packed
    :param roots: iterable of str, module names to start from
    :param unused: tuple of str, beginnings of names that a worker node never imports: they are reached by
        hard imports alone
    :return: ImportClosure
    :raises WMRuntimeError: when a root is not in the index or a module cannot be parsed
    """
    imports = {}
    refused = {}
    while True:
        reached = _reach(index, roots, unused, imports, refused)
        fresh = {}
        for name in reached:
            lacks = next((lack for lack in (_missing(index, one, refused) for one in imports[name] if one.isHard)
                          if lack), "")
            if not lacks and name.rpartition(".")[0] in refused:
                lacks = name.rpartition(".")[0]
            if lacks:
                fresh[name] = lacks
        if not fresh:
            return ImportClosure(tuple(sorted(reached)), refused, reached)
        refused.update(fresh)


def _reach(index, roots, unused, imports, refused):
    """
    Walk from the roots to all that is imported, not entering what is refused.

    :param index: dict of str to ModuleSource
    :param roots: iterable of str
    :param unused: tuple of str
    :param imports: dict of str to tuple of ImportedName, filled as modules are parsed
    :param refused: container of str
    :return: dict of str to str, each module reached and the one that led there
    """
    reached = {}
    waiting = [(root, "") for root in sorted(roots, reverse=True)]
    while waiting:
        name, leader = waiting.pop()
        if name in reached or name in refused:
            continue
        if name not in index:
            raise WMRuntimeError(99109, "A module that must go into the sandbox does not exist.", name,
                                 "put WMCore (and the runtime) on the Python path of the agent")
        reached[name] = leader
        if name not in imports:
            imports[name] = importsOf(index[name])
        parent = name.rpartition(".")[0]
        if parent in index:
            waiting.append((parent, name))
        for imported in imports[name]:
            if imported.isHard or not imported.name.startswith(unused):
                waiting.extend((found, name) for found in _neighbours(index, imported))
    return reached
