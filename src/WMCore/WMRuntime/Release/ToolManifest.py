"""
A SCRAM tool manifest: what one tool of a release brings.
"""
import os
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Release.Conditionals import BRANCHES, CONDITIONS, Conditionals
from WMCore.WMRuntime.Release.ManifestXml import XmlError, readXml

#: What one manifest may hold. Real ones have less than 200 elements, 20 kB of values and ten conditionals.
MAX_ELEMENTS, MAX_DEPTH, MAX_CHARACTERS, MAX_STEPS = 3000, 32, 512 * 1024, 4000000
_VARIABLE = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|(\w+))")


class ManifestError(WMRuntimeError):
    """Say that a manifest cannot be read, which one, where and why; code 50513."""


@attr.s(frozen=True)
class RuntimeSetting(object):
    """
    Hold one `runtime` tag.

    :param name: str, of the variable
    :param value: str, with the variables known resolved
    :param isPath: bool, whether the value is one more entry of a search path
    :param handler: str, `warn` when a missing path is no error, else empty
    :param join: str, as written, else empty
    """
    name = attr.ib()
    value = attr.ib()
    isPath = attr.ib(default=False)
    handler = attr.ib(default="")
    join = attr.ib(default="")


@attr.s(frozen=True, hash=False)
class ToolManifest(object):
    """
    Hold what a tool manifest says, for one arch and release.

    :param name: str
    :param version: str, as written, such as 3.9.14-c10287ae
    :param kind: str, the `type` attribute: scram, compiler or empty
    :param environment: dict of name to tuple of str, each value in order (LIBDIR and INCLUDE come more than once)
    :param runtime: tuple of RuntimeSetting
    :param libs: tuple of str
    :param uses: tuple of str, names of tools
    :param flags: dict of name to tuple of str
    :param url: str, of `info`, or empty
    :param hasClient: bool, whether there is a `client` tag
    :param unresolved: tuple of str, variables that nothing gave a value, left as they stand
    :param ignored: tuple of str, tags no manifest is known to have, which count for nothing
    :param path: str, the file
    """
    name = attr.ib()
    version = attr.ib(default="")
    kind = attr.ib(default="")
    environment = attr.ib(factory=dict)
    runtime = attr.ib(default=())
    libs = attr.ib(default=())
    uses = attr.ib(default=())
    flags = attr.ib(factory=dict)
    url = attr.ib(default="")
    hasClient = attr.ib(default=False)
    unresolved = attr.ib(default=())
    ignored = attr.ib(default=())
    path = attr.ib(default="")

    @property
    def upstreamVersion(self):
        """Give the version without the suffix of the build: 3.9.14 of 3.9.14-c10287ae."""
        return self.version.split("-", 1)[0]

    @property
    def base(self):
        """Give the directory the tool is installed in, from its `<NAME>_BASE`; None when it names none."""
        values = self.environment.get(self.name.upper().replace("-", "_") + "_BASE")
        return values[-1] if values else None

    def paths(self, variable):
        """
        Give what the tool adds to a search path.

        :param variable: str, such as PATH
        :return: tuple of str
        """
        return tuple(entry.value for entry in self.runtime if entry.isPath and entry.name == variable)


def parseManifest(path, scramArch=None, release=None, variables=None):
    """
    Read one manifest.

    :param path: str
    :param scramArch: str, decides the conditionals by arch and gives $SCRAM_ARCH
    :param release: str, decides the conditionals by release and gives $SCRAM_PROJECTVERSION
    :param variables: dict of further variables its values may name
    :return: ToolManifest
    :raises ManifestError: when it cannot be read, for whatever reason
    """
    conditionals = Conditionals.forRelease(scramArch, release, os.path.dirname(path))
    known = {name: value for name, value in (("SCRAM_ARCH", scramArch), ("SCRAM_PROJECTVERSION", release)) if value}
    known.update(variables or {})
    return _parse(path, conditionals, known)


def readManifests(directory, scramArch=None, release=None, variables=None):
    """
    Read all manifests of a directory.

    :param directory: str, such as config/toolbox/<arch>/tools/selected; it may be missing
    :param scramArch: str
    :param release: str
    :param variables: dict
    :return: (dict of tool name to ToolManifest, tuple of ManifestError for the files that cannot be read)
    """
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(".xml"))
    except OSError:
        return {}, ()
    tools, problems = {}, []
    for name in names:
        try:
            tool = parseManifest(os.path.join(directory, name), scramArch, release, variables)
            tools[tool.name] = tool
        except ManifestError as ex:
            problems.append(ex)
    return tools, tuple(problems)


def _parse(path, conditionals, variables):
    try:
        top = readXml(path).find("tool")
        if top is None or not top.get("name"):
            raise XmlError("has no <tool name=...>")
        reader = _Reader(conditionals.withVersion(top.get("version", "")), variables)
        reader.read(top)
    except XmlError as ex:
        raise ManifestError(50513, "A tool manifest cannot be used.",
                            "%s %s; expected a SCRAM tool manifest" % (path, ex),
                            "compare it with the same file of another release; in a developer's area run "
                            "`scram setup <tool>` again")
    # SCRAM compares tools in lower case.
    return ToolManifest(name=top.get("name").lower(), version=top.get("version", ""), kind=top.get("type", ""),
                        path=path, **reader.result())


class _Reader(object):
    """Collect what the tags of one manifest say; one object per manifest."""

    def __init__(self, conditionals, variables):
        self._conditionals = conditionals
        self._variables = dict(variables)
        self._elements = self._characters = self._steps = 0
        self._environment, self._flags = {}, {}
        self._runtime, self._libs, self._uses = [], [], []
        # Dictionaries for their order and their speed: a hostile file can have thousands of either.
        self._unresolved, self._ignored = {}, {}
        self._url, self._hasClient = "", False

    def result(self):
        """Give the fields of ToolManifest."""
        return {"environment": {name: tuple(values) for name, values in self._environment.items()},
                "flags": {name: tuple(values) for name, values in self._flags.items()},
                "runtime": tuple(self._runtime), "libs": tuple(self._libs), "uses": tuple(self._uses),
                "url": self._url, "hasClient": self._hasClient, "unresolved": tuple(self._unresolved),
                "ignored": tuple(self._ignored)}

    def read(self, parent):
        """Take what an element holds, in order; a stack instead of recursion, for nobody vouches for the depth."""
        waiting = [iter(parent)]
        while waiting:
            element = next(waiting[-1], None)
            if element is None:
                waiting.pop()
                continue
            self._count(len(waiting))
            children = self._take(element)
            if children is not None:
                waiting.append(iter(children))

    def _count(self, depth):
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise XmlError("has more than %d elements" % MAX_ELEMENTS)
        if depth > MAX_DEPTH:
            raise XmlError("is nested deeper than %d elements" % MAX_DEPTH)

    def _take(self, element):
        """Take one element; give its children when they count too, else None."""
        tag = element.tag
        if tag == "environment":
            name, value = self._name(element), self._value(element)
            self._environment.setdefault(name, []).append(value)
            self._variables[name] = value
        elif tag == "runtime":
            self._runtime.append(RuntimeSetting(self._name(element), self._value(element),
                                                element.get("type", "").lower() == "path",
                                                element.get("handler", "").lower(), element.get("join", "")))
        elif tag == "lib":
            self._libs.append(self._name(element))
        elif tag == "use":
            self._uses.append(self._name(element).lower())
        elif tag == "flags":
            for name, value in element.items():
                if name != "comment":
                    self._flags.setdefault(name, []).append(self._resolved(value))
        elif tag == "info":
            self._url = element.get("url", "")
        elif tag == "client":
            self._hasClient = True
            return element
        elif tag in CONDITIONS:
            return self._conditionals.taken(element, self._spendSteps)
        elif tag in BRANCHES:
            raise XmlError("has <%s> outside a conditional" % tag)
        else:
            self._ignored[tag] = True
        return None

    def _name(self, element):
        name = element.get("name")
        if not name:
            raise XmlError("has a <%s> without a name" % element.tag)
        return name

    def _value(self, element):
        # default wins over value, as it does in SCRAM.
        value = element.get("default", element.get("value"))
        if value is None:
            raise XmlError("has a <%s name=%r> without a value" % (element.tag, element.get("name")))
        return self._resolved(value)

    def _resolved(self, text):
        """Put the variables' values in; what they add is limited, for twenty lines can double a text twenty times."""
        if "$" in text:
            parts, end = [], 0
            for found in _VARIABLE.finditer(text):
                parts += [text[end:found.start()], self._lookUp(found)]
                end = found.end()
                self._spend(len(parts[-1]))
            text = "".join(parts) + text[end:]
        self._spend(len(text))
        return text

    def _lookUp(self, found):
        name = found.group(found.lastindex)
        value = self._variables.get(name)
        if value is None:
            self._unresolved[name] = True
            return found.group(0)
        return value

    def _spendSteps(self, count):
        self._steps += count
        if self._steps > MAX_STEPS:
            raise XmlError("has conditionals too costly to try")

    def _spend(self, count):
        self._characters += count
        if self._characters > MAX_CHARACTERS:
            raise XmlError("has values of more than %d characters in all" % MAX_CHARACTERS)
