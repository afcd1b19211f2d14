"""
Start a container and see whether a job could run in it.
"""
import os

import attr

from WMCore.WMRuntime.Environment.CompAreas import containerSystem
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

# It takes a second or two, but CVMFS may have to fetch the image first.
TRIAL_SECONDS = 300
# The second is what RHEL6 has.
_RELEASES = ("os-release", "redhat-release")
_TRIAL = """for name in os-release redhat-release; do cat /etc/$name >"$1"/$name 2>/dev/null; done
uname -m; cd "$2" && test -w . && echo ready || exit 1
python=$(command -v python3) || exit 0
"$python" -c 'import sys; print("python %d %d %d " % sys.version_info[:3] + sys.argv[1])' "$python" 2>/dev/null
true"""


@attr.s(frozen=True)
class ContainerTrial(object):
    """
    Hold what a container is like from inside.

    :param system: str, such as rhel8; None when it does not tell
    :param python: str, its own python3 as PATH leads to it; empty when it has none
    :param version: tuple of three int, that python's, or empty
    """
    system = attr.ib()
    python = attr.ib(type=str)
    version = attr.ib(type=tuple)


def tryOut(call, environ):
    """
    Start a container.

    :param call: ContainerCall
    :param environ: dict, to start it with
    :return: ContainerTrial
    :raises WMRuntimeError: with the code 11014 when it does not start, is of another CPU, or the job's directory cannot be
        written to
    """
    releases = [os.path.join(call.scratch, name) for name in _RELEASES]
    for release in releases:
        if os.path.lexists(release):
            os.unlink(release)
    command = list(call.prefix) + ["/bin/sh", "-c", _TRIAL, "sh", call.scratch, call.directory]
    ended, out, err = runCaptured(command, env=environ, timeout=TRIAL_SECONDS)
    machine, lines = os.uname()[4], out.splitlines()
    if not ended.ok or lines[:2] != [machine, "ready"]:
        what = "no end within %d s" % TRIAL_SECONDS if ended.timedOut else "status %s" % ended.shellCode
        raise WMRuntimeError(11014, "The container does not start, or cannot hold the job.",
                             "%s: expected `%s` and `ready`, found %s and %r" % (
                                 " ".join(call.prefix), machine, what, (out + err)[-2000:]),
                             "mend apptainer at the site (user namespaces, the image's CPU), or do not ask for a container")
    number = containerSystem({"WMRUNTIME_OS_RELEASE": releases[0]})
    words = lines[2].split(" ", 4) if len(lines) > 2 and lines[2].startswith("python ") else None
    return ContainerTrial("rhel%d" % number if number else None, words[4] if words else "",
                          tuple(int(word) for word in words[1:4]) if words else ())
