"""
Which features a CMSSW release has, told from its version.
"""
import logging
import re

_NUMBERS = re.compile(r"^[A-Za-z0-9]+_([0-9]+)_([0-9]+)_([0-9]+)(?:_|$)")
# From these releases on, each in its own cycle, enforceGUIDInFileName is there; and from 11_0_0 on in all.
_GUID_CYCLES = {(10, 6): 8, (10, 2): 20, (9, 4): 16, (9, 3): 17, (8, 0): 34}
_GUID_RELEASES = ("CMSSW_10_2_20_UL", "CMSSW_9_4_16_UL", "CMSSW_8_0_34_UL", "CMSSW_7_1_45_patch3")


def _numbers(release):
    found = _NUMBERS.match(release)
    return tuple(int(number) for number in found.groups()) if found else None


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
