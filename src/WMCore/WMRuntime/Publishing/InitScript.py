"""
The init.sh files of an area: bash text that makes one version of something usable.

They find their own place, so an area works wherever it lies, and they name it physically: a job that runs when the area
is replaced goes on with the files it started with.
"""
# Safe under `set -eu`, and for whatever is in CDPATH or in the path's name; nothing but the variables stays behind.
_HEAD = """\
# shellcheck shell=bash
# Makes %(what)s usable in a bash that sources this file. Made by `wmruntime area build`.
_wmruntime_area_prepend() {
    # _wmruntime_area_prepend VARIABLE DIRECTORIES: unless it starts with them already
    local old=${!1:-}
    [[ :$old: == ":$2:"* ]] || export "$1=$2${old:+:$old}"
}
_wmruntime_area_load() {
    local here
    here=${BASH_SOURCE[0]%%/*}
    [[ $here != "${BASH_SOURCE[0]}" ]] || here=.
    here=$(CDPATH='' cd -P -- "$here/../.." > /dev/null && printf '%%sx' "$PWD") || return
    here=${here%%x}
"""
_TAIL = """\
}
_wmruntime_area_load
unset -f _wmruntime_area_load _wmruntime_area_prepend
"""


def pythonInit(version, series, libraries, ownLibraries):
    """
    Write the init.sh of an interpreter, which brings its libraries along.

    :param version: str, name of the version's directory, such as 3.9.18-wm1
    :param series: str, such as 3.9
    :param libraries: iterable of str, directories of the libraries below `external`
    :param ownLibraries: bool, whether it needs shared libraries from its own lib
    :return: str
    """
    # With somebody else's PYTHONHOME no other python starts.
    lines = ["    unset PYTHONHOME", "    local external=${here%/*/*}"]
    packages = ["$external/%s/lib/python%s/site-packages" % (directory, series) for directory in libraries]
    if packages:
        lines.append("    _wmruntime_area_prepend PYTHONPATH \"%s\"" % ":".join(packages))
    if ownLibraries:
        lines.append("    _wmruntime_area_prepend LD_LIBRARY_PATH \"$here/lib\"")
    lines += ["    _wmruntime_area_prepend PATH \"$here/bin\""]
    return _script("python3 %s" % version, lines)


def libraryInit(name, version, series):
    """
    Write the init.sh of one library.

    :param name: str, of the distribution
    :param version: str
    :param series: str, the python it was built for, such as 3.9
    :return: str
    """
    return _script("%s %s for python %s" % (name, version, series),
                   ["    _wmruntime_area_prepend PYTHONPATH \"$here/lib/python%s/site-packages\"" % series])


def _script(what, lines):
    return _HEAD % {"what": what} + "".join(line + "\n" for line in lines) + _TAIL
