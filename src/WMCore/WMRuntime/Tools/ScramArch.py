"""
Which scram arch of a list fits a node, and the tables WMCore publishes about them.
"""
import logging
import os
import re

import attr

from WMCore.WMRuntime.Release.ScramArch import MACHINES, ScramArch

# WMAgent and CRAB's TaskWorker match jobs to nodes by these four (BossAir's scramArchtoRequiredOS): they
# stay WMCore's, entry by entry. What a node can run is ScramArch's to say, and that knows more.
SCRAM_TO_ARCH = {"amd64": "X86_64", "aarch64": "aarch64", "ppc64le": "ppc64le"}
ARCH_TO_SCRAM = {machine: cpu for cpu, machine in SCRAM_TO_ARCH.items()}
ARCH_TO_OS = {"slc5": ["rhel6"], "slc6": ["rhel6"], "slc7": ["rhel7"],
              "el8": ["rhel8"], "cc8": ["rhel8"], "cs8": ["rhel8"], "alma8": ["rhel8"],
              "el9": ["rhel9"], "cs9": ["rhel9"]}
OS_TO_ARCH = {system: [arch for arch, systems in ARCH_TO_OS.items() if system in systems]
              for system in sorted(set(sum(ARCH_TO_OS.values(), [])))}


@attr.s(frozen=True)
class ArchChoice(object):
    """
    Hold which arch was chosen, and why not the others.

    :param arch: str, or None when none fits
    :param rejected: tuple of (arch as given, str reason)
    :param reasons: tuple of str, what the choice rests on
    """
    arch = attr.ib()
    rejected = attr.ib(default=())
    reasons = attr.ib(default=())

    def describe(self):
        """
        Say the choice and its reasons in one text.

        :return: str
        """
        head = "scram arch %s" % self.arch if self.arch else "no scram arch fits this node"
        parts = list(self.reasons) + ["not %s: %s" % pair for pair in self.rejected]
        return "%s (%s)" % (head, "; ".join(parts)) if parts else head


def getPlatformMachine():
    """
    Give the CPU of this node in HTCondor's words.

    :return: str, X86_64 for x86_64, else as the system says
    """
    # Not platform.machine(): up to python 3.8 it starts `uname -p`.
    machine = os.uname().machine
    return "X86_64" if machine == "x86_64" else machine


def readRequiredOS(environ=None):
    """
    Read GLIDEIN_REQUIRED_OS from the machine ad, the system of the container the pilot made.

    :param environ: dict, None for os.environ; its _CONDOR_MACHINE_AD names the file
    :return: str such as rhel8, or None when there is no ad or no such attribute
    """
    path = (os.environ if environ is None else environ).get("_CONDOR_MACHINE_AD")
    if not path:
        return None
    found = None
    try:
        with open(path, "rb") as handle:
            for line in handle.read(4 * 1024 * 1024).decode("utf-8", "replace").splitlines():
                name, _equals, value = line.partition("=")
                if name.strip().lower() == "glidein_required_os":
                    # HTCondor writes changed attributes again: the last one counts.
                    found = value.strip().strip('"').strip()
    except OSError as ex:
        logging.warning("Cannot read the machine ad %s: %s", path, ex)
    return found or None


def _knownSystems(requiredOS):
    names = [name.strip().lower() for name in (requiredOS or "").split(",")]
    return [name for name in names if re.match(r"^rhel[0-9]+$", name)]


def _whyNot(arch, systems, machine):
    """Give the reason why an arch does not run on this node, None when it does."""
    if systems and not set(systems).intersection(arch.requiredOS):
        needs = ",".join(arch.requiredOS) or "an unknown system"
        return "needs %s, this node is %s" % (needs, ",".join(systems))
    if arch.machine is not None and machine in MACHINES.values() and arch.machine != machine:
        return "needs a %s CPU, this node has %s" % (arch.machine, machine)
    return None


def chooseScramArch(archs, requiredOS=None, machine=None):
    """
    Choose the best arch of a list for a node.

    The system must fit (when it is known) and the CPU must. Of those that fit the newest system generation
    wins, then the newest compiler. A CPU not in the tables cannot be compared: such an arch is taken last.

    :param archs: list of str
    :param requiredOS: str, the node's system in HTCondor's words; None or `any` leaves it open
    :param machine: str, the node's CPU in HTCondor's words; None for the running machine's
    :return: ArchChoice
    """
    machine = machine or getPlatformMachine()
    systems = _knownSystems(requiredOS)
    reasons = ["CPU %s" % machine, "system %s" % ",".join(systems) if systems else
               "system unknown (GLIDEIN_REQUIRED_OS is %s)" % (requiredOS or "not set")]
    fitting, rejected = [], []
    for text in archs:
        try:
            arch = ScramArch.parse(text)
        except ValueError as ex:
            rejected.append((text, str(ex)))
            continue
        reason = _whyNot(arch, systems, machine)
        if reason is None:
            fitting.append(arch)
        else:
            rejected.append((text, reason))
    if not fitting:
        return ArchChoice(None, tuple(rejected), tuple(reasons))
    best = max(fitting, key=lambda arch: (arch.machine == machine,) + arch.sortKey)
    rejected.extend((arch.text, "%s is preferred" % best.text) for arch in fitting if arch.text != best.text)
    return ArchChoice(best.text, tuple(rejected), tuple(reasons))


def getSingleScramArch(scramArch):
    """
    Choose the scram arch to use on this node, and log why.

    :param scramArch: str, which is returned as it is, or list of str
    :return: str; None when no arch of the list runs here
    """
    if not isinstance(scramArch, (list, tuple)):
        return scramArch
    choice = chooseScramArch(scramArch, readRequiredOS())
    logging.log(logging.INFO if choice.arch else logging.ERROR, "Choosing from %s: %s", list(scramArch),
                choice.describe())
    return choice.arch
