"""
The name of a CMSSW release: its parts, its order, and the features told from it.

    ReleaseVersion.parse("CMSSW_13_0_3_patch1").base == "CMSSW_13_0_3"
"""
import functools
import logging
import re

import attr

# Builds whose cmsRun need not be the one their series has (cmssw#33959).
_SPECIAL = ("PY3", "PYTHON3", "DEVEL")
_FORM = re.compile(r"^([A-Za-z][A-Za-z0-9]*)_(0|[1-9][0-9]{0,5})_(0|[1-9][0-9]{0,5})"
                   r"((?:_[A-Za-z0-9.+-]+){1,12})\Z")
_NUMBER = re.compile(r"^(?:0|[1-9][0-9]{0,5})\Z")
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4}\Z")
_COUNTED = re.compile(r"^(pre|cand|[A-Za-z0-9]*patch)([0-9]{1,6})\Z")
_WORDS = re.compile(r"[a-z]+|[0-9]+")

# From these releases on, each in its own cycle, enforceGUIDInFileName is there; and from 11_0_0 on in all.
_GUID_CYCLES = {(10, 6): 8, (10, 2): 20, (9, 4): 16, (9, 3): 17, (8, 0): 34}
_GUID_RELEASES = ("CMSSW_10_2_20_UL", "CMSSW_9_4_16_UL", "CMSSW_8_0_34_UL", "CMSSW_7_1_45_patch3")


@functools.total_ordering
@attr.s(frozen=True, order=False)
class ReleaseVersion(object):
    """
    Hold the parts of a release's name.

    :param project: str, CMSSW
    :param series: tuple of two int
    :param release: int, the third number; None for an integration build (CMSSW_13_0_X_2023-02-01-1100)
    :param suffixes: tuple of str, what follows, in order: pre4, patch1, UL, SLHC6, X and a date, ...
    """
    project = attr.ib(type=str)
    series = attr.ib(type=tuple)
    release = attr.ib()
    suffixes = attr.ib(type=tuple, default=())

    @classmethod
    def parse(cls, text):
        """
        Read the name of a release.

        :param text: str
        :return: ReleaseVersion
        :raises ValueError: when it is none
        """
        found = _FORM.match(text) if isinstance(text, str) and len(text) <= 255 else None
        suffixes = tuple(found.group(4)[1:].split("_")) if found else ()
        isNumber = bool(suffixes) and _NUMBER.match(suffixes[0]) is not None
        if not isNumber and "X" not in suffixes:
            raise ValueError("%r is no release such as CMSSW_13_0_3 or CMSSW_13_0_X_2023-02-01-1100" % (text,))
        series = (int(found.group(2)), int(found.group(3)))
        if isNumber:
            return cls(found.group(1), series, int(suffixes[0]), suffixes[1:])
        return cls(found.group(1), series, None, suffixes)

    def __str__(self):
        numbers = self.series if self.release is None else self.series + (self.release,)
        return "_".join([self.project] + [str(number) for number in numbers] + list(self.suffixes))

    @property
    def numbers(self):
        """Give the three numbers as a tuple; None for an integration build."""
        return None if self.release is None else self.series + (self.release,)

    def _counted(self, isKind):
        for suffix in self.suffixes:
            found = _COUNTED.match(suffix)
            if found and isKind(found.group(1)):
                return int(found.group(2))
        return None

    @property
    def pre(self):
        """Give the number of a pre-release (4 of 13_0_0_pre4), None for any other."""
        return self._counted(lambda kind: kind == "pre")

    @property
    def candidate(self):
        """Give the number of a release candidate (1 of 7_4_1_cand1), None for any other."""
        return self._counted(lambda kind: kind == "cand")

    @property
    def patch(self):
        """Give the number of a patch release, of whatever kind (patch1, hltpatch1); None for a full one."""
        return self._counted(lambda kind: kind.endswith("patch"))

    @property
    def base(self):
        """Give the name of the full release a patch release is built upon; None for a full one."""
        if self.patch is None:
            return None
        # The rule is that of cmssw-patch-build.file in cmsdist: the patch's own word goes, all others stay.
        kept = [suffix for suffix in self.suffixes if not re.match(r"^[A-Za-z0-9]*patch[0-9]+\Z", suffix)]
        return str(attr.evolve(self, suffixes=tuple(kept)))

    @property
    def flags(self):
        """Give the words that are neither counted nor a date, as a tuple: UL, SLHC6, ROOT6, PY3, DEVEL, ..."""
        return tuple(suffix for suffix in self.suffixes
                     if suffix != "X" and not _DATE.match(suffix) and not _COUNTED.match(suffix))

    @property
    def date(self):
        """Give the date of an integration build as written (2023-02-01-1100), None when there is none."""
        return next((suffix for suffix in self.suffixes if _DATE.match(suffix)), None)

    @property
    def isIntegrationBuild(self):
        """Tell whether this is a build of a branch, not a release."""
        return self.release is None

    @property
    def isSpecial(self):
        """Tell whether its python need not be that of its series (_PY3, _PYTHON3, _DEVEL)."""
        return any(flag in _SPECIAL for flag in self.flags)

    @property
    def version(self):
        """
        Give the version packaging orders it by.

        preN is an alpha, candN a release candidate, patchN a post-release. An integration build is a
        development version of its series, before all releases of it, by date. Flags are a local version: after
        the same numbers without them, their digits compared as numbers (SLHC6 before SLHC23).

        :return: packaging.version.Version
        """
        # Here, because each job imports this module for the questions below, and few compare releases.
        from packaging.version import Version
        if self.release is None:
            text = "%d.%d.dev%s" % (self.series + ((self.date or "0").replace("-", ""),))
        else:
            text = "%d.%d.%d" % self.numbers
            for form, number in (("a%d", self.pre), ("rc%d", self.candidate if self.pre is None else None),
                                 (".post%d", self.patch)):
                text += form % number if number is not None else ""
        words = _WORDS.findall("_".join(self.flags).lower())
        return Version(text + ("+" + ".".join(words) if words else ""))

    @property
    def sortKey(self):
        """Order by what packaging says; where that knows no difference (a hltpatch, the project) by the text."""
        return (self.version, str(self))

    def __lt__(self, other):
        if not isinstance(other, ReleaseVersion):
            return NotImplemented
        return self.sortKey < other.sortKey


def _numbers(release):
    try:
        return ReleaseVersion.parse(release).numbers
    except ValueError:
        return None


def isCMSSWSupported(thisCMSSW, supportedCMSSW):
    """
    Tell whether a release is the given one or a later one, by the three numbers alone.

    Releases that differ after the three numbers only (a pre-release, a patch) are not comparable: False.

    :param thisCMSSW: str, the release in question
    :param supportedCMSSW: str, the first release with the feature
    :return: bool; False, with a line in the log, when one of them is missing or has no three numbers
    """
    if not thisCMSSW or not supportedCMSSW:
        logging.info("Two CMSSW releases are needed to compare, got %r and %r", thisCMSSW, supportedCMSSW)
        return False
    if thisCMSSW == supportedCMSSW:
        return True
    this, supported = _numbers(thisCMSSW), _numbers(supportedCMSSW)
    if this is None or supported is None:
        logging.warning("Cannot compare the CMSSW releases %s and %s", thisCMSSW, supportedCMSSW)
        return False
    return this > supported


def isEnforceGUIDInFileNameSupported(thisCMSSW):
    """
    Tell whether a release's PoolSource knows the parameter enforceGUIDInFileName.

    :param thisCMSSW: str, the release
    :return: bool
    """
    if not thisCMSSW:
        logging.info("A CMSSW release is needed to tell whether it has enforceGUIDInFileName")
        return False
    if isCMSSWSupported(thisCMSSW, "CMSSW_11_0_0") or thisCMSSW in _GUID_RELEASES:
        return True
    numbers = _numbers(thisCMSSW)
    return numbers is not None and numbers[2] >= _GUID_CYCLES.get(numbers[:2], numbers[2] + 1)
