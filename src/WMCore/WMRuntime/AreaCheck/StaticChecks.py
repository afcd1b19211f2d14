"""
The checks that are made for every CPU: what they can tell, they tell from an area's files.
"""
import os

from WMCore.WMRuntime.AreaCheck.Check import Check, Outcome, error
from WMCore.WMRuntime.AreaCheck.MachineCode import machineCode
from WMCore.WMRuntime.AreaCheck.ManifestCheck import checkManifest
from WMCore.WMRuntime.Environment.CvmfsArea import CvmfsArea
from WMCore.WMRuntime.Environment.EnvironmentProvider import EnvironmentContext
from WMCore.WMRuntime.Environment.EnvironmentRequest import EnvironmentRequest
from WMCore.WMRuntime.Environment.NodeFacts import NodeFacts
from WMCore.WMRuntime.Tools.ShownText import counted

_SHOWN = 5


def checkLayout(bench, area, _start, _release):
    """Ask the provider of areas what it finds on a root that holds this area alone."""
    environ = bench.environment(area)
    node = NodeFacts(environ=environ, system=area.system, machine=area.cpu, roots=(environ["VO_CMS_SW_DIR"],),
                     executable="", version=(0, 0, 0))
    provider = CvmfsArea(EnvironmentContext(bench.description, EnvironmentRequest()), bench.startSeconds)
    return Outcome(provider.check(node))


def checkCpu(_bench, area, _start, _release):
    """Compare the CPU of each program and library with the area's, and see whether it is whole."""
    external = os.path.join(area.directory, "external")
    packages = os.listdir(external) if os.path.isdir(external) else ()
    tops = [os.path.join(external, name) for name in sorted(packages) if name == "python3" or name.startswith("py3-")]
    found = machineCode(tops)
    wrong = {path: cpu for path, cpu in found.cpus.items() if cpu != area.cpu}
    kinds = (("wrongCpu", wrong, "for another CPU than %s" % area.cpu, "publish the build for %s" % area.cpu),
             ("fileDamaged", found.damaged, "not all there", "publish the area again, and see whether its disk is full"),
             ("fileUnreadable", found.unreadable, "that cannot be read",
              "mend their permissions, and see whether CVMFS answers"))
    findings = [_several(area, *kind) for kind in kinds if kind[1]]
    return Outcome(findings, {"programs and libraries": "%d" % len(found.cpus)})


def _several(area, code, problems, what, remedy):
    """Make one finding of all files with a problem of one kind."""
    shown = ["%s: %s" % (os.path.relpath(path, area.directory), problems[path]) for path in sorted(problems)[:_SHOWN]]
    lines = ["%s %s" % (counted(len(problems), "file"), what)] + shown + ["..."] * (len(problems) > _SHOWN)
    return error(code, "\n".join(lines), remedy, area.directory)


STATIC_CHECKS = (
    Check("layout", "python, init.sh and libraries lie where jobs look for them", checkLayout),
    Check("manifest", "each file is what the manifest says", checkManifest),
    Check("cpu", "programs and libraries are for the area's CPU, and whole", checkCpu))
