"""
Reports of checks as tests need them, made without checking anything.
"""
from WMCore.WMRuntime.AreaCheck.CheckedArea import CheckedArea
from WMCore.WMRuntime.AreaCheck.CheckResult import AreaResult, CheckReport, CheckResult
from WMCore.WMRuntime.Environment.EnvironmentProvider import Finding

SYSTEMS = ("rhel6", "rhel7", "rhel8", "rhel9")
CPUS = ("x86_64", "aarch64", "ppc64le")
BROKEN = ("rhel8", "x86_64")
HOSTILE = "</pre><script>alert(1)</script> & \"quotes\" {{ 7 * 7 }} \x1b[31m\x00\ud800 ]]>"
COMMAND = "wmruntime area check /cvmfs/cms.cern.ch/COMP/rhel8_x86_64 --only python"


def areaResult(system, cpu, findings=(), skipped="", check="python"):
    """Make the result of an area with one check."""
    area = CheckedArea("/cvmfs/cms.cern.ch/COMP/%s_%s" % (system, cpu), "COMP", system, cpu)
    result = CheckResult(check, "its python starts", findings=findings, skipped=skipped, seconds=1.25,
                         facts={"python": "3.8.18"}, command=COMMAND)
    return AreaResult(area, [result], cpu == "x86_64")


def finding(severity="error", message="init.sh ends the shell", code="initEndsShell"):
    """Make a finding."""
    return Finding(code, severity, message, "publish it again", "/cvmfs/x/init.sh", COMMAND)


def sampleReport(findings=None):
    """Make the report of twelve areas of which one, BROKEN, has these findings."""
    findings = [finding()] if findings is None else findings
    areas = [areaResult(system, cpu, findings if (system, cpu) == BROKEN else ()) for system in SYSTEMS for cpu in CPUS]
    return CheckReport(areas, SYSTEMS, CPUS, "ab" * 32, 1795414800.0, 33.3, machine="x86_64", host="node1")
