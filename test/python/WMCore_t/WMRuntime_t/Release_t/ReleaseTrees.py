"""Release trees for the tests: only as much of a release as is said, from the manifests in test/data/tools."""
import os
import shutil
import struct

TOP = os.path.dirname(os.path.abspath(__file__))
for _ in range(5):
    TOP = os.path.dirname(TOP)
DATA = os.path.join(TOP, "test", "data", "tools")
REAL_ROOT = "/cvmfs/cms.cern.ch"
ARCHS = {"CMSSW_8_0_31": "slc6_amd64_gcc530", "CMSSW_10_6_30": "slc7_amd64_gcc700", "CMSSW_12_0_0": "slc7_amd64_gcc900",
         "CMSSW_13_0_3": "el8_amd64_gcc12", "CMSSW_13_0_3_patch1": "el8_amd64_gcc12"}
SELF = '<tool name="SELF" version="SELF">%s</tool>'


def manifestPath(release, tool):
    """Give the path of a real manifest."""
    return os.path.join(DATA, release, ARCHS[release], tool + ".xml")


def write(path, text):
    """Write a file of text or bytes, with the directories it needs."""
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path, "wb") as handle:
        handle.write(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def writeProgram(path):
    """Write a program that does nothing."""
    os.chmod(write(path, "#!/bin/sh\nexit 0\n"), 0o755)
    return path


def elfNeeding(names, bits=64, order="<"):
    """Give a small ELF library that needs libraries, as bytes."""
    strings, offsets = b"\0", []
    for name in names:
        offsets.append(len(strings))
        strings += name.encode("utf-8") + b"\0"
    headerSize, entry, dynamic = (64, 56, "qQ") if bits == 64 else (52, 32, "iI")
    dynamicAt = headerSize + 2 * entry
    tags = [(1, offset) for offset in offsets] + [(5, 0), (0, 0)]
    size = len(tags) * struct.calcsize(order + dynamic)
    stringsAt, address = dynamicAt + size, 0x10000
    tags[-2] = (5, address + stringsAt)
    total = stringsAt + len(strings)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + b"\0" * 9
    if bits == 64:
        header = struct.pack(order + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, entry, 2, 0, 0, 0)
        segments = [struct.pack(order + "IIQQQQQQ", kind, 5, at, address + at, 0, length, length, 8)
                    for kind, at, length in ((1, 0, total), (2, dynamicAt, size))]
    else:
        header = struct.pack(order + "HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, entry, 2, 0, 0, 0)
        segments = [struct.pack(order + "IIIIIIII", kind, at, address + at, 0, length, length, 5, 8)
                    for kind, at, length in ((1, 0, total), (2, dynamicAt, size))]
    body = b"".join(struct.pack(order + dynamic, tag, value) for tag, value in tags)
    return ident + header + b"".join(segments) + body + strings


class ReleaseTree(object):
    """One release below a root, without anything in it yet."""

    def __init__(self, root, version="CMSSW_12_0_0", arch="slc7_amd64_gcc900", package="cmssw"):
        self.root, self.version, self.arch = str(root), version, arch
        self.directory = os.path.join(self.root, arch, "cms", package, version)
        os.makedirs(self.directory)

    def path(self, *parts):
        """Give a path inside the release."""
        return os.path.join(self.directory, *parts)

    def selected(self, tool):
        """Give the path of a tool's manifest."""
        return self.path("config", "toolbox", self.arch, "tools", "selected", tool + ".xml")

    def addManifest(self, tool, source, root=REAL_ROOT):
        """Copy a real manifest; root is what it names in place of /cvmfs/cms.cern.ch."""
        with open(manifestPath(source, tool)) as handle:
            text = handle.read().replace("/%s/" % ARCHS[source], "/%s/" % self.arch)
        return write(self.selected(tool), text.replace(REAL_ROOT, str(root)))

    def addSelf(self, *names):
        """Write a Self.xml that sets some path variables."""
        return write(self.path("config", "Self.xml"), SELF % "".join(
            '<runtime name="%s" value="$LOCALTOP/python" type="path"/>' % name for name in names))

    def addProgram(self, name):
        """Put a program into bin/<arch>."""
        return writeProgram(self.path("bin", self.arch, name))

    def addLibrary(self, *needed):
        """Put the library of cmsRun's python into lib/<arch>."""
        return write(self.path("lib", self.arch, "libFWCorePythonParameterSet.so"), elfNeeding(needed))

    def addLink(self, name, target):
        """Put a link into external/<arch>/bin."""
        link = self.path("external", self.arch, "bin", name)
        if not os.path.isdir(os.path.dirname(link)):
            os.makedirs(os.path.dirname(link))
        os.symlink(target, link)
        return link

    def addArea(self, path):
        """Make a developer's project area of it, as scram does: config copied, RELEASETOP told."""
        shutil.copytree(self.path("config"), os.path.join(str(path), "config"))
        write(os.path.join(str(path), ".SCRAM", self.arch, "Environment"), "RELEASETOP=%s\n" % self.directory)
        return str(path)
