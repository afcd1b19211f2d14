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

_SHOWN = 5


def checkLayout(bench, area, _start, _release):
    """Ask the provider of areas what it finds on a root that holds this area alone."""
    environ = bench.environment(area)
    node = NodeFacts(environ=environ, system=area.system, machine=area.cpu, roots=(environ["VO_CMS_SW_DIR"],),
                     executable="", version=(0, 0, 0))
    provider = CvmfsArea(EnvironmentContext(bench.description, EnvironmentRequest()), bench.startSeconds)
    return Outcome(provider.check(node))


def checkCpu(_bench, area, _start, _release):
    """Compare the CPU of each program and library with the area's."""
    external = os.path.join(area.directory, "external")
    packages = os.listdir(external) if os.path.isdir(external) else ()
    tops = [os.path.join(external, name) for name in sorted(packages) if name == "python3" or name.startswith("py3-")]
    found = machineCode(tops)
    wrong = sorted(path for path, cpu in found.items() if cpu and cpu != area.cpu)
    unread = sorted(path for path, cpu in found.items() if not cpu)
    findings = []
    if wrong:
        shown = ["%s: %s" % (os.path.relpath(path, area.directory), found[path]) for path in wrong[:_SHOWN]]
        findings.append(error("wrongCpu", "\n".join(["%d files are for another CPU than %s" % (len(wrong), area.cpu)] +
                                                    shown + ["..."] * (len(wrong) > _SHOWN)),
                              "publish the build for %s" % area.cpu, area.directory))
    if unread:
        shown = [os.path.relpath(path, area.directory) for path in unread[:_SHOWN]]
        findings.append(error("fileUnreadable", "\n".join(["%d files cannot be read" % len(unread)] + shown),
                              "mend their permissions, and see whether CVMFS answers", area.directory))
    return Outcome(findings, {"programs and libraries": "%d" % len(found)})


STATIC_CHECKS = (
    Check("layout", "python, init.sh and libraries lie where jobs look for them", checkLayout),
    Check("manifest", "each file is what the manifest says", checkManifest),
    Check("cpu", "programs and libraries are for the area's CPU", checkCpu))
