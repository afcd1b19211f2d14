"""
What the tests of publishing build areas from in a moment: a python that is a shell script, and wheels of a few lines.
"""
import os
import shutil

import attr

from WMCore.WMRuntime.Environment.Description import loadDescription
from WMCore.WMRuntime.Environment.WheelIndex import loadWheelIndex
from WMCore.WMRuntime.Publishing.AreaBuilder import AreaRequest
from WMCore.WMRuntime.Publishing.PythonPrefix import PythonPrefix
from WMCore_t.WMRuntime_t.Environment_t.Wheels import makeIndex, makeWheel, entryOf

MACHINE = os.uname()[4]
NAME = "rhel9_" + MACHINE
#: Answers as a python that describes itself, that compiles, and that proves an area; it imports nothing.
FAKE_PYTHON = """\
#!/bin/sh
here=$(cd -P "$(dirname "$0")/.." && pwd)
case "$*" in
    *compileall*) exit ${FAKE_STATUS:-0} ;;
    *sysconfig*) printf '{"implementation": "CPython", "version": [3, 9, 18], "release": "final", "prefix": "%%s", \
"stdlib": "%%s/lib/python3.9", "machine": "%s", "libraries": ""}' "$here" "$here" ;;
    *) printf '{"version": "3.9.18", "prefix": "%%s", "modules": {}}' "$here" ;;
esac
""" % MACHINE
STDLIB = {"os.py": "# os\n", "LICENSE.txt": "the licence\n", "json/__init__.py": "# json\n", "test/test_os.py": "no\n",
          "json/tests/test_json.py": "no\n", "tkinter/__init__.py": "no\n", "idlelib/idle.py": "no\n", "turtle.py": "no\n",
          "ensurepip/__init__.py": "no\n", "config-3.9-x86_64-linux-gnu/libpython3.9.a": "no\n",
          "site-packages/pip/__init__.py": "no\n", "site-packages/hook.pth": "import evil\n", "__pycache__/os.pyc": "no\n",
          "lib-dynload/_json.cpython-39.so": "no ELF\n", "lib-dynload/_tkinter.cpython-39.so": "no\n",
          "sitecustomize.py": "no\n"}


def fakePrefix(directory):
    """Lay out a python that is a shell script; give its PythonPrefix."""
    directory = str(directory)
    program = os.path.join(directory, "bin", "python3.9")
    writeFiles(directory, {"bin/python3.9": FAKE_PYTHON})
    os.chmod(program, 0o755)
    os.symlink("python3.9", os.path.join(directory, "bin", "python3"))
    stdlib = os.path.join(directory, "lib", "python3.9")
    writeFiles(stdlib, STDLIB)
    return PythonPrefix(program, (3, 9, 18), directory, stdlib, (), MACHINE)


def writeFiles(directory, files):
    """Write a dict of relative path to text."""
    for name, text in files.items():
        path = os.path.join(str(directory), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)


def smallWheels(directory, without=()):
    """Write wheels, pure and next to empty, of the libraries python 3.9 gets; give their directory."""
    entries = []
    for library in loadDescription().libraries:
        row = library.rowFor("3.9.18")
        if row is not None and library.name not in without:
            members = {"%s/__init__.py" % name: "VERSION = %r\n" % row.pinned for name in library.imports}
            members["%s/tests/test_it.py" % library.imports[0]] = "no\n"
            members["%s-%s.dist-info/LICENSE" % (library.name, row.pinned)] = "do as you like\n"
            members["%s-%s.dist-info/RECORD" % (library.name, row.pinned)] = "an installer's\n"
            path = makeWheel(directory, library.name, row.pinned, members=members)
            entries.append(entryOf(path, library.need, imports=library.imports))
    makeIndex(directory, entries)
    return str(directory)


def smallRequest(directory, **changes):
    """Make the request for an area that builds in a moment."""
    directory = str(directory)
    prefix = fakePrefix(os.path.join(directory, "prefix"))
    index = loadWheelIndex(smallWheels(os.path.join(directory, "wheels"), changes.pop("without", ())))
    request = AreaRequest("rhel9", MACHINE, "3.9.18", prefix, loadDescription(), index)
    return attr.evolve(request, **changes)


def snapshot(directory):
    """Give all of a tree that must be the same in two builds: names, bytes, modes, links, times."""
    found = {}
    for folder, folders, names in os.walk(str(directory)):
        for path in [os.path.join(folder, name) for name in folders + names] + [folder]:
            status, content = os.lstat(path), b""
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as handle:
                    content = handle.read()
            found[os.path.relpath(path, str(directory))] = (status.st_mode, int(status.st_mtime), content)
    return found


def copyOf(directory, target):
    """Move a tree to another name by copying it as an archive would."""
    shutil.copytree(str(directory), str(target), symlinks=True)
    return str(target)
