"""
What the doctor has to say: what was found, what a job would use, what is wrong.
"""
import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutSecrets
from WMCore.WMRuntime.Environment.EnvironmentProvider import ERROR, INFO, WARNING

_ORDER = (ERROR, WARNING, INFO)


@attr.s(frozen=True)
class Section(object):
    """
    Hold what was found in one place.

    :param name: str
    :param rows: tuple of (str what, str found)
    :param findings: tuple of Finding
    """
    name = attr.ib(type=str)
    rows = attr.ib(default=(), converter=tuple)
    findings = attr.ib(default=(), converter=tuple)


@attr.s(frozen=True)
class Station(object):
    """
    Hold how a job would fare in one station of its way.

    :param name: str
    :param ok: bool; None for a station that was not looked at
    :param text: str, what it would use there, or why it would end there
    :param reasons: tuple of str
    """
    name = attr.ib(type=str)
    ok = attr.ib()
    text = attr.ib(type=str)
    reasons = attr.ib(default=(), converter=tuple)


@attr.s(frozen=True)
class Diagnosis(object):
    """
    Hold all the doctor has to say.

    :param sections: tuple of Section
    :param stations: tuple of Station
    :param findings: tuple of Finding, of the stations and of the providers
    """
    sections = attr.ib(default=(), converter=tuple)
    stations = attr.ib(default=(), converter=tuple)
    findings = attr.ib(default=(), converter=tuple)

    @property
    def canRun(self):
        """Tell whether a job could run here: it ends in no station."""
        return bool(self.stations) and not any(station.ok is False for station in self.stations)

    def allFindings(self):
        """
        List everything that is wrong, each thing once, the worst first.

        :return: list of Finding
        """
        found = list(self.findings) + [finding for section in self.sections for finding in section.findings]
        return sorted(dict.fromkeys(found), key=lambda finding: _ORDER.index(finding.severity))

    def toDict(self, environ):
        """
        Give it for JSON, credentials blotted out.

        :param environ: dict, whose secret values are none of a reader's business
        :return: dict
        """
        return _blotted({
            "format": 1, "canRun": self.canRun,
            "found": {section.name: [{"what": what, "found": found} for what, found in section.rows]
                      for section in self.sections},
            "job": [{"station": one.name, "ok": one.ok, "text": one.text, "reasons": list(one.reasons)}
                    for one in self.stations],
            "findings": [finding.toDict() for finding in self.allFindings()]}, environ)


def _blotted(value, environ):
    if isinstance(value, dict):
        return {name: _blotted(item, environ) for name, item in value.items()}
    if isinstance(value, list):
        return [_blotted(item, environ) for item in value]
    return withoutSecrets(value, environ) if isinstance(value, str) else value
