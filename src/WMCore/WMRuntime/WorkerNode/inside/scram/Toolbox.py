"""Tool manifests: what a release's external software is called, where it is and what it puts into the environment."""
import os
import re
import xml.etree.ElementTree as ElementTree

_CONDITIONS = {
    "ifrelease": "release", "release": "release", "ifarchitecture": "arch", "architecture": "arch", "ifarch": "arch",
    "ifos": "os", "ifcompiler": "compiler",
}


class ToolError(Exception):
    """A manifest that cannot be used."""


class Tool(object):
    """One tool as its manifest describes it, variables resolved."""

    def __init__(self, name, version, kind=""):
        self.name = name            # lower case
        self.version = version
        self.kind = kind            # "", "scram" or "compiler"
        self.libs = []
        self.uses = []
        self.environment = []       # [(name, value, handler)], file order, LIBDIR and INCLUDE among them
        self.runtime = []           # [(name, value, isPath, handler)], file order
        self.flags = []             # [(name, [values])], file order

    @property
    def base(self):
        """Return the tool's own directory (`<TOOL>_BASE`), empty when it has none."""
        wanted = self.name.upper().replace("-", "_") + "_BASE"
        return next((value for name, value, _ in self.environment if name == wanted), "")

    def paths(self, variable):
        """
        List what the tool adds to a path variable.

        :param variable: str, `PATH`
        :return: list of str
        """
        return [value for name, value, isPath, _ in self.runtime if isPath and name == variable]

    def flag(self, name):
        """
        List the values of a flag, split at blanks.

        :param name: str, `NO_EXTERNAL_RUNTIME`
        :return: list of str
        """
        return [word for flag, values in self.flags if flag == name for value in values for word in value.split()]

    def toJson(self):
        """Return the content of .SCRAM/<arch>/tools/<tool>, the cache of V3."""
        data = {"TOOLNAME": self.name, "TOOLVERSION": self.version, "RUNTIME": {}, "FLAGS": {}}
        if self.kind:
            data["SCRAM_PROJECT" if self.kind == "scram" else "SCRAM_COMPILER"] = 1
        variables = []
        for name, value, _ in self.environment:
            if name in ("LIBDIR", "INCLUDE"):
                data.setdefault(name, []).append(value)
            else:
                data[name] = value
                variables.append(name)
        for key, value in (("VARIABLES", variables), ("LIB", self.libs), ("USE", self.uses)):
            if value:
                data[key] = value
        for name, value, isPath, _ in self.runtime:
            data["RUNTIME"].setdefault(("PATH:" if isPath else "") + name, []).append(value)
        for name, values in self.flags:
            data["FLAGS"].setdefault(name, []).extend(values)
        return data


def parseTool(text, variables, source="tool manifest"):
    """
    Read a manifest.

    :param text: str, its XML
    :param variables: dict, known before the manifest's own (LOCALTOP, RELEASETOP, SCRAM_ARCH, SCRAM_PROJECTVERSION, …)
    :param source: str, what an error calls it
    :return: Tool
    :raises ToolError: when it is not XML, declares entities or holds no tool
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ToolError("%s: a document type is not accepted in a tool manifest" % source)
    try:
        # Some manifests have blanks before the first tag.
        top = ElementTree.fromstring("<root>" + text.strip() + "</root>")
    except ElementTree.ParseError as error:
        raise ToolError("%s: not well-formed XML: %s" % (source, error))
    node = top.find("tool")
    if node is None or not node.get("name"):
        raise ToolError("%s: no <tool name=...> in it" % source)
    tool = Tool(node.get("name").lower(), node.get("version", ""), node.get("type", ""))
    known = dict(variables)
    _collect(node, tool, known)
    return tool


def readTool(path, variables):
    """
    Read a manifest file.

    :param path: str
    :param variables: dict, see parseTool
    :return: Tool
    :raises ToolError: see parseTool
    """
    with open(path, encoding="utf-8") as handle:
        return parseTool(handle.read(), variables, path)


def _collect(node, tool, known):
    """Take over the children of an element, conditionals by the branch that holds."""
    for child in node:
        tag = child.tag
        if tag in _CONDITIONS:
            for chosen in _branch(child, known):
                _take(chosen, tool, known)
        elif tag == "client":
            _collect(child, tool, known)
        else:
            _take(child, tool, known)


def _take(child, tool, known):
    tag = child.tag
    name = child.get("name", "")
    if tag == "lib":
        tool.libs.append(name)
    elif tag == "use":
        tool.uses.append(name.lower())
    elif tag == "flags":
        for flag, value in child.attrib.items():
            values = next((values for known_, values in tool.flags if known_ == flag), None)
            if values is None:
                tool.flags.append((flag, [value]))
            else:
                values.append(value)
    elif tag in ("environment", "runtime"):
        value = _resolve(child.get("default") if child.get("default") is not None else child.get("value", ""), known)
        if tag == "environment":
            tool.environment.append((name, value, child.get("handler", "")))
            if name not in ("LIBDIR",):
                known[name] = value
        else:
            tool.runtime.append((name, value, child.get("type") == "path", child.get("handler", "")))
    elif tag in _CONDITIONS or tag == "client":
        wrapper = ElementTree.Element("tool")
        wrapper.append(child)
        _collect(wrapper, tool, known)


def _branch(node, known):
    """Return the children of the first branch that holds: if, elif (an empty element between), else."""
    subject = {"release": known.get("SCRAM_PROJECTVERSION", ""), "arch": known.get("SCRAM_ARCH", ""),
               "os": known.get("SCRAM_ARCH", "").split("_")[0], "compiler": known.get("DEFAULT_COMPILER", "gcc")}
    value = subject[_CONDITIONS[node.tag]]

    def holds(element):
        pattern = element.get("name") or element.get("match") or element.get("value") or ""
        return re.search(pattern, value) is not None

    taken = []
    active = holds(node)
    done = active
    for child in node:
        if child.tag == "elif":
            active = not done and holds(child)
            done = done or active
        elif child.tag == "else":
            active = not done
            done = True
        elif active:
            taken.append(child)
    return taken


def _resolve(text, known):
    """Replace $NAME and ${NAME}; unknown ones become empty, as in a shell."""
    return re.sub(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?",
                  lambda match: known.get(match.group(1), os.environ.get(match.group(1), "")), text)
