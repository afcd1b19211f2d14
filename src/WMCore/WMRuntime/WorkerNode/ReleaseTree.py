"""The CMSSW releases of the node: five generations, laid out as on CVMFS from real tool manifests."""
import gzip
import json
import os
import re

import attr

from WMCore.WMRuntime.WorkerNode.inside.scram.Area import Area
from WMCore.WMRuntime.WorkerNode.inside.scram.Toolbox import readTool
from WMCore.WMRuntime.WorkerNode.MachinePythons import nearestPython3
from WMCore.WMRuntime.WorkerNode.NodeFiles import DATA, linkTo, writeJson, writeProgram, writeText
from WMCore.WMRuntime.WorkerNode.PythonArea import installPython

REAL_TOP = "/cvmfs/cms.cern.ch"
_CPUS = {"x86_64": "amd64", "aarch64": "aarch64", "arm64": "aarch64", "ppc64le": "ppc64le"}
_STORES = ("bin", "biglib", "lib", "static", "objs", "test", "logs", "cfipython")
_PLAIN = ("include", "doc", "python", "src", "poison", "etc/dependencies")
# Programs that the externals of the manifests carry on CVMFS, beside python itself.
_PROGRAMS = {"xz": ("xz", "unxz", "xzcat"), "sqlite": ("sqlite3",), "py2-pip": ("pip", "pip2"),
             "py3-pip": ("pip3",), "zlib": ()}


@attr.s(frozen=True)
class ReleaseSpec(object):
    """What distinguishes one of the five releases."""

    name = attr.ib()
    x86Arch = attr.ib()           # its architecture on x86_64
    scramVersion = attr.ib()      # config/scram_version
    cmsRunPython = attr.ib()      # "2" or "3": the python inside cmsRun
    hasTwin = attr.ib(default=False)  # whether there is a cmsRunPython3
    base = attr.ib(default=None)  # base release of a patch release

    @property
    def package(self):
        """Return the folder that holds it below <arch>/cms."""
        return "cmssw-patch" if self.base else "cmssw"


RELEASE_SPECS = (
    ReleaseSpec("CMSSW_8_0_31", "slc6_amd64_gcc530", "V2_2_9_pre04", "2"),
    ReleaseSpec("CMSSW_10_6_30", "slc7_amd64_gcc700", "V2_2_9_pre04", "2", hasTwin=True),
    ReleaseSpec("CMSSW_12_0_0", "slc7_amd64_gcc900", "V3_00_30", "3"),
    ReleaseSpec("CMSSW_13_0_3", "el8_amd64_gcc12", "V3_00_30", "3"),
    ReleaseSpec("CMSSW_13_0_3_patch1", "el8_amd64_gcc12", "V3_00_30", "3", base="CMSSW_13_0_3"),
)


@attr.s(frozen=True)
class TreeWriter(object):
    """Where releases are written to, and with what."""

    root = attr.ib()      # the node's directory
    cvmfs = attr.ib()     # its cms.cern.ch
    machine = attr.ib()   # CPU as `uname -m` names it
    pythons = attr.ib()   # dict of series to MachinePython

    def archName(self, x86Arch):
        """Name the same architecture for this machine's CPU."""
        return x86Arch.replace("_amd64_", "_%s_" % _CPUS.get(self.machine, "amd64"))


def writeReleases(writer):
    """
    Lay out the five releases.

    :param writer: TreeWriter
    :return: (dict of release name to its record in node.json, list of the files with absolute paths, relative to root)
    """
    records = {}
    pathFiles = []
    for spec in RELEASE_SPECS:
        record, files = _writeRelease(writer, spec)
        if spec.base and not records[spec.base]["runnable"]:
            record.update(runnable=False, why=records[spec.base]["why"])
        records[spec.name] = record
        pathFiles += files
    return records, pathFiles


def _writeRelease(writer, spec):
    arch = writer.archName(spec.x86Arch)
    directory = os.path.join(writer.cvmfs, arch, "cms", spec.package, spec.name)
    os.makedirs(os.path.join(writer.cvmfs, arch, "cms", "cms-common", "1.0"), exist_ok=True)
    for store in _STORES:
        os.makedirs(os.path.join(directory, store, arch))
    for folder in _PLAIN:
        os.makedirs(os.path.join(directory, folder))
    files = _writeConfig(writer, spec, arch, directory)
    # The manifests refer to the release's own place as a developer's area would.
    area = Area(directory, arch)
    selected = area.selected
    tools = [readTool(os.path.join(selected, name), area.variables()) for name in sorted(os.listdir(selected))]
    pythons = {}
    for tool in tools:
        if tool.name in ("python", "python3"):
            pythons[tool.name] = _writePython(writer, tool, directory)
        elif tool.base and tool.kind != "scram":
            _writeExternal(tool)
        for variable in ("PYTHON27PATH", "PYTHON3PATH"):
            for folder in tool.paths(variable):
                if folder.startswith(writer.cvmfs + os.sep) and "-tool-conf/" in folder:
                    writeText(os.path.join(folder, "tool-deps.pth"), "")
    _linkExternals(directory, arch, tools)
    files += _writeCaches(spec, directory, arch, tools, area)
    files = [os.path.relpath(path, writer.root) for path in files]
    return _record(writer, spec, arch, directory, pythons), files


def _record(writer, spec, arch, directory, pythons):
    """Describe a release for node.json; it can run when the python inside its cmsRun is there."""
    embedded = pythons["python" if spec.cmsRunPython == "2" else "python3"]
    return {"arch": arch, "directory": os.path.relpath(directory, writer.root), "package": spec.package,
            "base": spec.base, "scramVersion": spec.scramVersion, "cmsRunPython": spec.cmsRunPython,
            "cmsRunPython3": spec.hasTwin, "pythons": pythons, "runnable": embedded["path"] is not None,
            "why": "" if embedded["path"] else
                   "%s needs python %s, which this machine does not have" % (spec.name, embedded["wanted"])}


def _writeConfig(writer, spec, arch, directory):
    """Write config/ and .SCRAM/Environment; return the files that hold absolute paths."""
    source = os.path.join(DATA, "releases", spec.name)
    config = os.path.join(directory, "config")
    files = []
    with open(os.path.join(source, "Self.xml"), encoding="utf-8") as handle:
        writeText(os.path.join(config, "Self.xml"), handle.read())
    manifests = os.path.join(source, spec.x86Arch)
    for name in sorted(os.listdir(manifests)):
        with open(os.path.join(manifests, name), encoding="utf-8") as handle:
            text = handle.read()
        text = text.replace(REAL_TOP + "/", writer.cvmfs + "/").replace("/%s/" % spec.x86Arch, "/%s/" % arch)
        files.append(writeText(os.path.join(config, "toolbox", arch, "tools", "selected", name), text))
        writeText(os.path.join(config, "toolbox", arch, "tools", "available", name), text)
        files.append(os.path.join(config, "toolbox", arch, "tools", "available", name))
    files.append(writeText(os.path.join(config, "scram_basedir"), writer.cvmfs + "/\n"))
    writeText(os.path.join(config, "scram_version"), spec.scramVersion + "\n")
    writeText(os.path.join(config, "config_tag"), "V07-00-00\n")
    writeText(os.path.join(directory, ".SCRAM", "Environment"),
              "SCRAM_PROJECTNAME=CMSSW\nSCRAM_PROJECTVERSION=%s\nSCRAM_CONFIGDIR=config\nSCRAM_SOURCEDIR=src\n"
              "SCRAM_SYMLINKS=0\nSCRAM_CONFIGCHKSUM=V07-00-00\n%s"
              % (spec.name, "" if spec.scramVersion.startswith("V2") else "SCRAM_TMP=tmp\n"))
    return files


def _writePython(writer, tool, directory):
    """Put an interpreter behind a python tool, and say in which version."""
    wanted = re.sub(r"^(\d+\.\d+).*", r"\1", tool.version)
    python = writer.pythons.get(wanted)
    if python is None and wanted.startswith("3."):
        python = nearestPython3(wanted, writer.pythons)
    record = {"wanted": wanted, "actual": None, "path": None, "why": ""}
    if python is None:
        # Its folders are there and empty, so the links to its programs dangle, as for an external not deployed.
        for folder in ("bin", "lib", "include"):
            os.makedirs(os.path.join(tool.base, folder), exist_ok=True)
        record["why"] = "this machine has no python %s" % wanted
        return record
    executable = os.path.join(tool.base, "bin", "python" + python.series)
    if not os.path.exists(executable):
        installPython(tool.base, python, os.path.join(writer.root, "libexec", "stdlib"), wanted,
                      "PYTHON27PATH" if wanted == "2.7" else "PYTHON3PATH")
    record.update(actual=python.versionText, path=os.path.relpath(executable, writer.root))
    if python.series != wanted:
        record["why"] = "%s in place of %s" % (python.series, wanted)
    return record


def _writeExternal(tool):
    for folder in ("bin", "lib", "include"):
        os.makedirs(os.path.join(tool.base, folder), exist_ok=True)
    for program in _PROGRAMS.get(tool.name, ()):
        writeProgram(os.path.join(tool.base, "bin", program), "external")


def _linkExternals(directory, arch, tools):
    """Make external/<arch>, the farm of relative links to all tools' programs and libraries, and its links.DB."""
    farm = os.path.join(directory, "external", arch)
    for folder in ("bin", "lib", "data"):
        os.makedirs(os.path.join(farm, folder), exist_ok=True)
    links = []
    for tool in tools:
        if tool.kind == "scram" or not tool.base:
            continue
        names = [("bin", name) for name in _programNames(tool)]
        libraries = os.path.join(tool.base, "lib")
        names += [("lib", name) for name in sorted(os.listdir(libraries)) if name.startswith("lib")]
        for folder, name in names:
            link = os.path.join(farm, folder, name)
            if not os.path.lexists(link):
                linkTo(link, os.path.relpath(os.path.join(tool.base, folder, name), os.path.dirname(link)))
                links.append("L:%s:%s/%s" % (tool.name, folder, name))
    writeText(os.path.join(farm, "links.DB"), "".join(line + "\n" for line in links))


def _programNames(tool):
    names = set(os.listdir(os.path.join(tool.base, "bin"))) if tool.paths("PATH") else set()
    if tool.name in ("python", "python3"):
        series = re.sub(r"^(\d+\.\d+).*", r"\1", tool.version)
        names |= {"python" + series, "python" + series[0]} | ({"python"} if tool.name == "python" else set())
    return sorted(names)


def _writeCaches(spec, directory, arch, tools, area):
    """Write .SCRAM/<arch>: JSON tools for V3, compressed perl data for V2; return the files with absolute paths."""
    admin = os.path.join(directory, ".SCRAM", arch)
    files = []
    for folder in ("MakeData", "InstalledTools"):
        os.makedirs(os.path.join(admin, folder))
    selfTool = readTool(os.path.join(area.config, "Self.xml"), area.variables())
    for tool in tools:
        writeText(os.path.join(admin, "InstalledTools", tool.name), "")
    if spec.scramVersion.startswith("V2"):
        for tool in tools + [selfTool]:
            writeText(os.path.join(admin, "timestamps", tool.name), "")
        content = {"SETUP": {tool.name: tool.toJson() for tool in tools}}
        for name, value in (("ToolCache", content), ("RuntimeCache", {}), ("ProjectCache", {}), ("DirCache", {})):
            with gzip.open(os.path.join(admin, name + ".db.gz"), "wb") as handle:
                handle.write(perlDump(_withoutPlace(value, directory)).encode("utf-8"))
        return files
    os.makedirs(os.path.join(admin, "BuildFiles"))
    for tool in tools + [selfTool]:
        files.append(writeJson(os.path.join(admin, "tools", tool.name), tool.toJson()))
    for name in ("RuntimeCache.json", "DirCache.json"):
        writeJson(os.path.join(admin, name), {})
    return files


def _withoutPlace(value, directory):
    """Put the real CVMFS's name back: a compressed file is not rewritten when the node moves."""
    cvmfs = directory[:directory.index(os.sep + "cms.cern.ch" + os.sep)] + os.sep + "cms.cern.ch"
    return json.loads(json.dumps(value).replace(json.dumps(cvmfs)[1:-1], REAL_TOP))


def perlDump(value, name="$cache"):
    """
    Write a value the way perl's Data::Dumper does.

    :param value: dict, list, str, int or None
    :param name: str, the variable
    :return: str
    """
    return "%s = %s;\n" % (name, _perl(value, "  "))


def _perl(value, indent):
    inner = indent + "  "
    if isinstance(value, dict):
        items = ",\n".join("%s%s => %s" % (inner, _perl(str(key), ""), _perl(value[key], inner))
                           for key in sorted(value))
        return "{\n%s\n%s}" % (items, indent) if items else "{}"
    if isinstance(value, (list, tuple)):
        items = ",\n".join(inner + _perl(item, inner) for item in value)
        return "[\n%s\n%s]" % (items, indent) if items else "[]"
    if value is None:
        return "undef"
    if isinstance(value, int):
        return str(value)
    return "'%s'" % str(value).replace("\\", "\\\\").replace("'", "\\'")
