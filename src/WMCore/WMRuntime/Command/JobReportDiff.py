"""
Say in words what differs between two job reports.

Order counts where it means something: the first error is the cause, and of texts, states and metrics of one name the
last counts. Files, runs, lumis, parents and elements nobody reads may stand in any order.
"""
import itertools
import json

from WMCore.WMRuntime.Command.JobReportSummary import counted
from WMCore.WMRuntime.JobReport.Model import (AnalysisFile, FallbackAttempt, FrameworkError, InputFile, OutputFile,
                                              PerformanceReport, SkippedEvent, SkippedFile)

_KINDS = {InputFile: "input file", OutputFile: "output file", AnalysisFile: "analysis file", SkippedFile: "skipped file",
          SkippedEvent: "skipped event", FallbackAttempt: "fallback", FrameworkError: "error"}
# Texts longer than this are shown from where they differ on.
_LONG, _AROUND = 100, 20


def differences(first, second, performance=False):
    """
    Compare two reports.

    :param first: ParseResult, called A
    :param second: ParseResult, called B
    :param performance: bool, whether performance numbers are compared, too
    :return: list of (str, list of str), what is about, and in words what differs about it; empty when the reports
        say the same
    """
    one, other = _facts(first, performance), _facts(second, performance)
    found = []
    for key in _namesOf(one, other):
        if key in one and key in other:
            lines = [line for detail in _namesOf(one[key], other[key])
                     for line in _compare(detail, one[key].get(detail), other[key].get(detail))]
        else:
            lines = ["only in %s" % ("A" if key in one else "B")]
        if lines:
            subject, number = key
            found.append((subject if number == 1 else "%s (number %d)" % (subject, number), lines))
    return found


def _namesOf(one, other):
    return list(one) + [name for name in other if name not in one]


def _facts(result, performance):
    """
    Give what a report says, equal for reports that say the same.

    :return: dict of (subject, its number among those of the name) to dict of detail to value; details that are no
        element's names have a blank in theirs
    """
    facts = {("report", 1): {"status": result.status, "exit code": str(result.exitCode),
                             "repairs": _listed("%s: %d" % (repair.kind, repair.count) for repair in result.repairs),
                             "trouble": _listed("%s: %s" % (error.kind, error.message) for error in result.errors)}}
    groups = {}
    for item in result.report.items:
        if item.__class__ is not PerformanceReport:
            groups.setdefault(_subject(item), []).append(_details(item))
        elif performance:
            for subject, details in _tables(item):
                groups.setdefault(subject, []).append(details)
    for subject, found in groups.items():
        if subject != "error" and not subject.startswith("performance"):
            found.sort(key=_canonical)
        for number, details in enumerate(found, 1):
            facts[(subject, number)] = details
    return facts


def _subject(item):
    """Name what an item is about."""
    kind = _KINDS.get(item.__class__)
    if kind is None:
        return "element %s" % item.name
    if kind == "error":
        return kind
    if kind == "skipped event":
        return "%s %s of run %s" % (kind, item.event, item.run)
    name = item.fileName if kind == "analysis file" else item.lfn or item.pfn
    return "%s %s" % (kind, name or "without a name")


def _details(item):
    """Give what an item says, with the parts whose order means nothing sorted."""
    details = {"bad numbers": _listed(item.problems)}
    details.update(("attribute %s" % name, value) for name, value in item.attributes.items())
    if isinstance(item, (InputFile, OutputFile)):
        details.update(item.texts)
        details.update(_byName("part %s", item.extras))
        details["its parents"] = _listed(_canonical(parent) for parent in item.inputs)
        for run in sorted(item.runs, key=lambda run: _canonical(run.toDict())):
            details[_unused(details, "run %s" % run.number)] = run
    else:
        details["text"] = item.text
        if isinstance(item, AnalysisFile):
            details.update(_byName("part %s", item.children))
        else:
            details["contents"] = _listed(map(_elementText, item.children))
    return details


def _unused(details, name):
    """Number a name that is there already."""
    names = itertools.chain([name], ("%s (number %d)" % (name, number) for number in itertools.count(2)))
    return next(one for one in names if one not in details)


def _byName(pattern, elements):
    """Give the elements of each name, in their order, as one text."""
    texts = {}
    for element in elements:
        texts.setdefault(pattern % element.name, []).append(_elementText(element))
    return {name: "; ".join(found) for name, found in texts.items()}


def _elementText(element):
    """Write an element as a text that is the same for all orders of its attributes and children."""
    attributes = "".join(" %s=%s" % (name, json.dumps(value)) for name, value in sorted(element.attributes.items()))
    inside = ([json.dumps(element.text)] if element.text else []) + sorted(map(_elementText, element.children))
    return "<%s%s>%s" % (element.name, attributes, " (%s)" % ", ".join(inside) if inside else "")


def _tables(service):
    """Give subject and details of the tables of a performance report."""
    yield "performance report", {"attributes": _canonical(service.attributes), "text": service.text,
                                 "bad numbers": _listed(service.problems)}
    for table in service.sections:
        values = {}
        for name, value in table.values:
            values.setdefault("metric %s" % name, []).append(value)
        details = {name: found[0] if len(found) == 1 else _canonical(found) for name, found in values.items()}
        details["attributes"] = _canonical(table.attributes)
        yield "performance %s%s" % ("%s " % table.module if table.module else "", table.metric), details


def _canonical(value):
    return json.dumps(value, sort_keys=True, default=lambda run: run.toDict())


def _listed(texts):
    """Give texts whose order means nothing as one; None for none."""
    return "; ".join(sorted(texts)) or None


def _compare(detail, mine, others):
    """Say what differs between two values of a detail, None for one that is not there."""
    if hasattr(mine, "eventsPerLumi") and hasattr(others, "eventsPerLumi"):
        return ["%s: %s" % (detail, line) for line in _compareRuns(mine, others)]
    if mine == others:
        return []
    if mine is None or others is None:
        value, side = (mine, "A") if others is None else (others, "B")
        value = _lumis(value.eventsPerLumi) if hasattr(value, "eventsPerLumi") else _cut(value, 0)
        return ["%s only in %s: %s" % (detail, side, value)]
    start = _firstDifference(mine, others) if max(len(mine), len(others)) > _LONG else 0
    return ["%s is %s in A, %s in B" % (detail, _cut(mine, start), _cut(others, start))]


def _compareRuns(mine, others):
    """Say which lumis only one has, and where the events differ."""
    one, other = mine.eventsPerLumi, others.eventsPerLumi
    for side, lumis in (("A", [lumi for lumi in one if lumi not in other]), ("B", [lumi for lumi in other if lumi not in one])):
        if lumis:
            yield "%s only in %s" % (_lumis(lumis), side)
    shared = [lumi for lumi in one if lumi in other and one[lumi] != other[lumi]]
    if shared:
        yield "%s: %s in A, %s in B" % ((_lumis(shared),) + tuple(_events(run, shared) for run in (one, other)))
    if sorted(map(_canonical, mine.repeated)) != sorted(map(_canonical, others.repeated)):
        yield "what comes again: %s in A, %s in B" % tuple(
            _lumis(set(lumi for lumi, _events in run.repeated)) for run in (mine, others))


def _events(eventsPerLumi, lumis):
    known = [eventsPerLumi[lumi] for lumi in lumis if eventsPerLumi[lumi] is not None]
    return counted(sum(known) if known else None, "event")


def _lumis(lumis):
    """Write the numbers of lumis as ranges, 1-5, 9."""
    ranges = []
    for lumi in sorted(lumis):
        if ranges and lumi == ranges[-1][1] + 1:
            ranges[-1][1] = lumi
        else:
            ranges.append([lumi, lumi])
    texts = ["%d" % first if first == last else "%d-%d" % (first, last) for first, last in ranges]
    return "lumi%s %s%s" % ("" if len(lumis) == 1 else "s", ", ".join(texts[:_AROUND]) or "none",
                            ", ..." if len(texts) > _AROUND else "")


def _firstDifference(one, other):
    """Give the place to show two texts from: some characters before they differ."""
    place = next((place for place, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
    return max(0, place - _AROUND)


def _cut(text, start):
    """Quote a text from a place on."""
    end = start + _LONG
    return '%s"%s"%s' % ("..." if start else "", text[start:end], "..." if end < len(text) else "")
