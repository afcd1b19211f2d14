"""
A scram arch: its parts, its order, and the systems and CPUs it runs on.

A scram arch is `<os><version>_<cpu>_<compiler><version>`, such as el8_amd64_gcc12.
"""
import functools
import re

import attr

#: CPUs as scram names them, and in HTCondor's words.
MACHINES = {"amd64": "X86_64", "aarch64": "aarch64", "ppc64le": "ppc64le", "riscv64": "riscv64"}
# Red Hat's system under its names in scram archs.
_FAMILIES = ("slc", "el", "cc", "cs", "alma", "rocky", "rhel", "ubi")
_OLDEST_SYSTEM = 6
_FORM = re.compile(r"^([a-z]+)(0|[1-9][0-9]{0,5})_([a-z0-9][a-z0-9-]*)_([a-z]+)([0-9]{0,8})((?:[^0-9a-z\s]\S*)?)\Z")
# A CPU with a level or model of its own: x86-64-v3, amd64v3, aarch64-neoverse.
_VARIANTS = (("x86-64", "X86_64"), ("amd64", "X86_64"), ("aarch64", "aarch64"), ("ppc64le", "ppc64le"),
             ("riscv64", "riscv64"))


def compilerVersion(digits):
    """
    Read the digits of a compiler name as a version, so that gcc12 follows gcc9 and gcc820 precedes both.

    Up to gcc 9 each digit is a part (gcc820 is 8.2.0); from 10 on the first two are the major number.

    :param digits: str
    :return: tuple of int, empty for no digits
    """
    if not digits:
        return ()
    width = 2 if digits[0] in "12" and len(digits) > 1 else 1
    return (int(digits[:width]),) + tuple(int(digit) for digit in digits[width:])


@functools.total_ordering
@attr.s(frozen=True, order=False)
class ScramArch(object):
    """
    Hold the parts of a scram arch.

    :param text: str, the arch as written
    :param osFamily: str, slc, el, cs, ...
    :param osVersion: int
    :param cpu: str, as scram names it
    :param compiler: str, gcc nearly always
    :param version: tuple of int, of the compiler
    :param variant: str, what follows the compiler, with its separator; empty nearly always
    """
    text = attr.ib(type=str)
    osFamily = attr.ib(type=str)
    osVersion = attr.ib(type=int)
    cpu = attr.ib(type=str)
    compiler = attr.ib(type=str)
    version = attr.ib(type=tuple)
    variant = attr.ib(type=str, default="")

    @classmethod
    def parse(cls, text):
        """
        Read a scram arch.

        :param text: str or bytes
        :return: ScramArch
        :raises ValueError: when it has not the three parts
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        found = _FORM.match(text) if isinstance(text, str) else None
        if found is None:
            raise ValueError("%r is no scram arch such as el8_amd64_gcc12" % (text,))
        family, number, cpu, compiler, digits, variant = found.groups()
        return cls(text, family, int(number), cpu, compiler, compilerVersion(digits), variant)

    def format(self):
        """
        Write the arch from its parts.

        :return: str, the text it was parsed from
        """
        return "%s%d_%s_%s%s%s" % (self.osFamily, self.osVersion, self.cpu, self.compiler,
                                   "".join(str(part) for part in self.version), self.variant)

    @property
    def requiredOS(self):
        """Give the names, in HTCondor's words (rhel8), of the systems this arch runs on; none when unknown."""
        if self.osFamily not in _FAMILIES:
            return ()
        # There are no nodes and no containers of slc5 any more: its releases run on rhel6.
        return ("rhel%d" % max(self.osVersion, _OLDEST_SYSTEM),)

    @property
    def machine(self):
        """Give the CPU in HTCondor's words (X86_64), None when unknown."""
        if self.cpu in MACHINES:
            return MACHINES[self.cpu]
        return next((machine for cpu, machine in _VARIANTS if self.cpu.startswith(cpu)), None)

    @property
    def sortKey(self):
        """Order by system generation, then compiler, then el before its rebuilds; the text makes it total."""
        return (self.osVersion, self.compiler == "gcc", self.version, self.osFamily == "el", self.text)

    def __lt__(self, other):
        if not isinstance(other, ScramArch):
            return NotImplemented
        return self.sortKey < other.sortKey
