"""
What was found of the node itself: system, CPU, disk, what containers need of the kernel, the running python.
"""
import os
import re
import sys

from WMCore.WMRuntime.Doctor.Diagnosis import Section
from WMCore.WMRuntime.Doctor.Files import freeBytes
from WMCore.WMRuntime.Environment.Description import versionText
from WMCore.WMRuntime.Environment.EnvironmentProvider import INFO, WARNING, Finding
from WMCore.WMRuntime.Environment.InstalledLibraries import InstalledLibraries
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured
from WMCore.WMRuntime.Tools.ShownText import counted

# Worth a warning; how much a job writes depends on its workflow.
FEW_BYTES = 5 * 10 ** 9
_SYSTEM = re.compile(r"(?m)^PRETTY_NAME=[\"']?([^\"'\n]*)")
_SWITCHES = ("/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone",
             "/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
# CLONE_NEWUSER of <linux/sched.h>.
_UNSHARE = """import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(libc.unshare(0x10000000) and os.strerror(ctypes.get_errno()))"""


def _read(path, most=64 * 1024):
    try:
        with open(path, "rb") as handle:
            return handle.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def _libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        return "not GNU's"


def nodeSection(patient):
    """
    Describe system and CPU.

    :param patient: Patient
    :return: Section
    """
    node, uname = patient.node, os.uname()
    name = _SYSTEM.search(_read(patient.environ.get("WMRUNTIME_OS_RELEASE") or "/etc/os-release"))
    cores = len(os.sched_getaffinity(0))
    memory = re.search(r"MemTotal:\s*([0-9]{1,12}) kB", _read("/proc/meminfo"))
    needs = patient.description().system(node.system)
    findings = []
    if node.machine not in patient.description().cpus:
        findings.append(Finding("cpuUnknown", WARNING, "the CPU %s is not described, so it has no areas" % node.machine,
                                "use a node with one of %s" % " ".join(patient.description().cpus)))
    return Section("node", [
        ("host", uname[1]), ("system", "%s (%s)" % (node.system or "not of the Red Hat family",
                                                    name.group(1) if name else "no os-release")),
        ("described", "python %s" % needs.python if needs else "no: areas of other systems are tried"),
        ("required", patient.environ.get("REQUIRED_OS") or "nothing (REQUIRED_OS)"),
        ("CPU", "%s, %s for this process" % (node.machine, counted(cores, "core"))),
        ("memory", "%.1f GB" % (int(memory.group(1)) / 1e6) if memory else "unknown"),
        ("kernel", "%s %s" % (uname[0], uname[2])), ("libc", _libc()),
        ("container", node.container or "none"), ("user", "%d, group %d" % (os.getuid(), os.getgid()))], findings)


def pythonSection(patient):
    """
    Describe the python that runs the doctor, and the libraries it has.

    :param patient: Patient
    :return: Section
    """
    node, installed = patient.node, InstalledLibraries()
    needs = patient.description().system(node.system)
    rows = [("executable", node.executable or "unknown"), ("version", versionText(node.version)),
            ("in range", "nobody says" if needs is None else "yes" if needs.python.contains(
                versionText(node.version), prereleases=True) else "no, %s is" % needs.python)]
    rows.extend((name, "set") for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP") if patient.environ.get(name))
    for library, versions in patient.description().librariesFor(node.version):
        found = installed.find(library.name, library.imports)
        rows.append((library.name, "none (%s)" % library.need if found is None else "%s%s in %s" % (
            found.version or "unknown version", "" if found.isIn(versions) else ", expected %s," % versions, found.where)))
    return Section("running python", rows)


def diskSection(patient):
    """
    Tell how much space there is, and where it can be written.

    :param patient: Patient
    :return: Section
    """
    rows, findings, seen = [], [], set()
    environ = patient.environ
    for name, path in (("start directory", patient.startDirectory),
                       ("HTCondor's scratch", environ.get("_CONDOR_SCRATCH_DIR")),
                       ("temporary files", environ.get("TMPDIR") or "/tmp")):
        if not path or path in seen:
            continue
        seen.add(path)
        try:
            free = freeBytes(path)
        except OSError as ex:
            rows.append((name, "%s: %s" % (path, ex.strerror)))
            findings.append(Finding("directoryMissing", WARNING, "%s, the %s, cannot be looked at: %s" % (
                path, name, ex.strerror), "make it, or let the variable that names it name another", path))
            continue
        writable = os.access(path, os.W_OK | os.X_OK)
        rows.append((name, "%s: %.1f GB free%s" % (path, free / 1e9, "" if writable else ", may not be written to")))
        if free < FEW_BYTES:
            findings.append(Finding("diskNearlyFull", WARNING, "only %.2f GB are free" % (free / 1e9),
                                    "make space", path, "df -h %s" % path))
    return Section("disk", rows, findings)


def namespacesSection(patient):
    """
    Tell whether a container can be started without privileges.

    :param patient: Patient
    :return: Section
    """
    rows = [(os.path.basename(path), _read(path).strip()) for path in _SWITCHES if os.path.exists(path)]
    ended, _, err = runCaptured([sys.executable, "-I", "-c", _UNSHARE], env=dict(patient.environ), timeout=30)
    said = " ".join(err.split())[-200:] or "status %s" % ended.shellCode
    rows.append(("a new one", "can be made" if ended.ok else "cannot be made: %s" % said))
    findings = [] if ended.ok else [Finding(
        "userNamespacesRefused", WARNING if patient.request().container else INFO,
        "this user may make no user namespace (%s): no container starts, unless apptainer is installed setuid" % said,
        "allow them: sysctl user.max_user_namespaces=15000, and on Debian and Ubuntu kernel.unprivileged_userns_clone=1 and "
        "kernel.apparmor_restrict_unprivileged_userns=0", command="unshare -U true")]
    return Section("user namespaces", rows, findings)
