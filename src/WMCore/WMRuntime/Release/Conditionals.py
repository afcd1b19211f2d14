"""
The conditional tags of a tool manifest: for which arch, release, system or tool a part of it is meant.

As SCRAM does (SimpleDoc of V3): `value` is compared, `match` and `name` are searched for as a regular
expression, a leading `!` turns the answer round; `elif` asks its conditional's question, `else` takes the rest.
"""
import os
import re
import sys

import attr

from WMCore.WMRuntime.Release.ManifestXml import XmlError
from WMCore.WMRuntime.Release.ScramArch import ScramArch

#: Tags and the fact each asks about.
CONDITIONS = {"architecture": "arch", "ifarchitecture": "arch", "release": "release", "ifrelease": "release",
              "compiler": "compiler", "ifcompiler": "compiler", "ifos": "system", "ifarch": "machine",
              "ifversion": "version", "ifproject": "project", "iftool": "tool"}
BRANCHES = ("else", "elif")
_MACHINES = {"amd64": "x86_64"}
# A pattern from a file is somebody else's program: what can take for ever is refused, the rest is paid for.
_REFUSED = re.compile(r"\)[*+?{]|\(\?[aiLmsux-]")
_REPETITION = re.compile(r"[*+{]|\\[0-9]")
_CHOICE = re.compile(r"[|?]")
_MAX_PATTERN, _MAX_VALUE = 200, 100
# Steps of the matcher, about: to compile a character of a pattern, and what looking for a file is worth.
_COMPILE, _FILE = 1000, 40000


def patternCost(pattern, value):
    """
    Estimate from above how many steps a search takes.

    Each repetition may try each length at each place, each choice both ways.

    :param pattern: str
    :param value: str
    :return: int
    """
    places = len(value) + 1
    cost = places
    for number, _repetition in enumerate(_REPETITION.findall(pattern), 2):
        cost = max(cost * places // number, places)
    return cost * 2 ** len(_CHOICE.findall(pattern)) + _COMPILE * len(pattern)


def _matches(pattern, value, spend):
    value = value[:_MAX_VALUE]
    if len(pattern) > _MAX_PATTERN or _REFUSED.search(pattern):
        raise XmlError("asks for %r, a pattern too costly to try" % pattern[:_MAX_PATTERN])
    spend(patternCost(pattern, value))
    try:
        return re.search(pattern, value) is not None
    except (re.error, OverflowError, RecursionError) as ex:
        raise XmlError("asks for %r, which is no pattern: %s" % (pattern, ex))


@attr.s(frozen=True, hash=False)
class Conditionals(object):
    """
    Hold the facts conditionals ask about.

    :param facts: dict of fact name, a value of CONDITIONS, to str
    :param directory: str, where the manifests of the other tools are
    """
    facts = attr.ib()
    directory = attr.ib(default="")

    @classmethod
    def forRelease(cls, scramArch, release, directory):
        """
        Take the facts from an arch and a release.

        :param scramArch: str, or None for an unknown one
        :param release: str, or None
        :param directory: str
        :return: Conditionals
        """
        facts = {"arch": scramArch or "", "release": release or "", "project": (release or "CMSSW").split("_")[0],
                 "system": sys.platform, "machine": os.uname().machine, "compiler": ""}
        try:
            parts = ScramArch.parse(scramArch)
            facts.update(compiler=parts.compiler, machine=_MACHINES.get(parts.cpu, parts.cpu))
        except ValueError:
            pass
        return cls(facts, directory)

    def withVersion(self, version):
        """
        Add the version of the tool itself.

        :param version: str
        :return: Conditionals
        """
        return attr.evolve(self, facts=dict(self.facts, version=version))

    def taken(self, element, spend):
        """
        Give the children of a conditional that hold here.

        :param element: element whose tag is in CONDITIONS
        :param spend: callable that is told the steps each question may take, before it is asked
        :return: list of elements
        :raises XmlError: when its question cannot be understood
        """
        kept, done, current = [], False, self._holds(element.tag, element, spend)
        for child in element:
            if child.tag in BRANCHES:
                done = done or current
                current = not done and (child.tag == "else" or self._holds(element.tag, child, spend))
            elif current and not done:
                kept.append(child)
        return kept

    def _holds(self, tag, element, spend):
        if tag == "iftool":
            spend(_FILE)
            return self._toolHolds(element)
        value = self.facts.get(CONDITIONS[tag], "")
        for attribute in ("value", "match", "name"):
            wanted = element.get(attribute)
            if wanted is not None:
                turned = wanted.startswith("!")
                wanted = wanted[1:] if turned else wanted
                return turned != (wanted == value if attribute == "value" else _matches(wanted, value, spend))
        raise XmlError("has a conditional <%s> without value, match or name" % element.tag)

    def _toolHolds(self, element):
        """Tell whether a tool is selected: whether its manifest lies beside this one."""
        name = element.get("name", element.get("match", ""))
        if not re.match(r"^[A-Za-z0-9_.+-]+\Z", name):
            raise XmlError("has a conditional <iftool> without the name of a tool: %r" % name)
        return os.path.isfile(os.path.join(self.directory, name.lower() + ".xml"))
