"""
Make values of the model from elements as the readers give them.

An element is anything with `tag`, `attrib` (dict-like), `get(name)`, `text`, and its children by len and iteration: a
Node of the expat reader, an lxml element, one of xml.etree. Comments are none: the readers drop them. How deep elements
nest is the readers' limit.
"""
from WMCore.WMRuntime.JobReport.Element import UnknownElement
from WMCore.WMRuntime.JobReport.Model import (ITEM_CLASSES, InputFile, OutputFile, PerformanceReport,
                                              PerformanceSection, Run)
from WMCore.WMRuntime.JobReport.Reading import MAX_MESSAGE, asNumber, eventsPerLumi, shortened, textOf

# Problems of one element that are told: a million broken lumis are one cause, not a million texts.
MAX_PROBLEMS = 50
# The attributes of an element that must be numbers.
_NUMBERS = {"FrameworkError": ("ExitStatus",), "SkippedEvent": ("Run", "Event")}


def build(element, maxMessage=MAX_MESSAGE):
    """
    Make the value for a direct child of the root.

    :param element: a complete element, see above
    :param maxMessage: int, characters of a message or an unknown element's text that are kept
    :return: one of the classes in Model.ITEM_CLASSES, or UnknownElement
    """
    itemClass = ITEM_CLASSES.get(element.tag, UnknownElement)
    return _BUILDERS.get(itemClass, _element)(itemClass, element, maxMessage)


def _unknown(element, maxMessage):
    text = element.text
    children = [_unknown(child, maxMessage) for child in element]
    return UnknownElement(element.tag, dict(element.attrib), shortened(text.strip(), maxMessage) if text else "",
                          tuple(children) if children else ())


def _element(itemClass, element, maxMessage):
    # An error whose names were damaged tells so; see ErrorLikeness.
    problems = [element.problem] if hasattr(element, "problem") else [
        "%s is %s, expected a whole number" % (name, _shown(element.get(name)))
        for name in _NUMBERS.get(element.tag, ()) if asNumber(element.get(name)) is None]
    return itemClass(element.tag, dict(element.attrib), shortened(textOf(element), maxMessage),
                     tuple([_unknown(child, maxMessage) for child in element]), tuple(problems))


def _shown(text):
    return "missing" if text is None else "%.80r" % (text,)


def _note(problems, text, *values):
    """Add a problem; behind as many as are told, say once that there are more."""
    if len(problems) < MAX_PROBLEMS:
        problems.append(text % values)
    elif len(problems) == MAX_PROBLEMS:
        problems.append("there are more such problems than are told here")


def _jobFile(itemClass, element, maxMessage):
    texts, runs, inputs, extras, problems = {}, [], [], [], []
    for child in element:
        name = child.tag
        if name == "Runs":
            _addRuns(child, runs, extras, problems, maxMessage)
        elif name == "Inputs":
            inputs.extend([{part.tag: textOf(part) for part in one} for one in child])
        elif name != "Branches":
            if texts.get(name):
                extras.append(UnknownElement(name, {}, texts[name]))
            texts[name] = textOf(child)
            if child.attrib or len(child):
                extras.append(_unknown(child, maxMessage))
    events = texts.get(itemClass.EVENTS)
    # An empty number is a missing one: cmsRun wrote such for pileup files (#11234).
    if events and asNumber(events) is None:
        _note(problems, "%s is %s, expected a whole number", itemClass.EVENTS, _shown(events))
    return itemClass(element.tag, dict(element.attrib), texts, tuple(runs), tuple(inputs), tuple(extras),
                     tuple(problems))


def _addRuns(element, runs, extras, problems, maxMessage):
    for child in element:
        if child.tag != "Run":
            extras.append(_unknown(child, maxMessage))
            continue
        number = child.get("ID")
        if asNumber(number) is None:
            _note(problems, "the ID of a Run is %s, expected a whole number", _shown(number))
        runs.append(_run(number, child, problems))


def _run(number, element, problems):
    events, repeated = eventsPerLumi(element, lambda lumi, count: _brokenSection(number, lumi, count, problems))
    return Run(number, events, tuple(repeated))


def _brokenSection(number, lumi, events, problems):
    """Read what can be read of a section with a malformed number, and note the rest."""
    # Real reports have NEvents="" for a section whose events nobody counted.
    for name, text, isBroken in (("ID", lumi, asNumber(lumi) is None),
                                 ("NEvents", events, events and asNumber(events) is None)):
        if isBroken:
            _note(problems, "%s of a LumiSection in run %s is %s, expected a whole number",
                  name, _shown(number), _shown(text))
    return asNumber(lumi), asNumber(events)


def _performance(itemClass, element, maxMessage):
    sections, problems = [], []
    for child in element:
        section = PerformanceSection(child.tag, dict(child.attrib),
                                     tuple([(one.get("Name"), one.get("Value")) for one in child]))
        sections.append(section)
        for name, value in section.values:
            if name is None or value is None:
                _note(problems, "a metric of %s has the name %s and the value %s",
                      _shown(section.metric), _shown(name), _shown(value))
    return itemClass(element.tag, dict(element.attrib), textOf(element), tuple(sections), tuple(problems))


_BUILDERS = {InputFile: _jobFile, OutputFile: _jobFile, PerformanceReport: _performance}
