"""
Strategies that write valid job reports of every element as cmsRun does, each with the model that must come out.

Layout, quoting and CDATA follow FWCore/MessageLogger/src/JobReport.cc of CMSSW, with and without the escaping of XML
that releases differ in. Every piece is a Piece(text, value); `reports()` gives whole files as (bytes, model).
"""
import functools
import string

import attr
from hypothesis import strategies as st

from WMCore.WMRuntime.JobReport.Model import (AnalysisFile, FallbackAttempt, FrameworkError, FrameworkJobReport,
                                              InputFile, OutputFile, PerformanceReport, PerformanceSection, Run,
                                              SkippedEvent, SkippedFile, UnknownElement)

PLACEHOLDER = '<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>\n'
PLACEHOLDER_ERROR = FrameworkError("FrameworkError", {"ExitStatus": "8901", "Type": "UnexpectedJobTermination"})
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
# Not in XML 1.0, or changed by every parser: controls, halves of pairs, line ends of other systems.
UNWRITABLE = dict(blacklist_categories=("Cc", "Cs"), blacklist_characters="\ufffe\uffff")
NAMES = string.ascii_letters + string.digits
# To make a strategy takes longer than to draw from it.
_once = functools.lru_cache(maxsize=None)


@attr.s(frozen=True)
class Piece(object):
    """Hold a part of a report: the text cmsRun writes, and the value the model has for it."""
    text = attr.ib()
    value = attr.ib()


def escaped(text):
    """Escape the five characters tinyxml2 escapes."""
    return "".join(ENTITIES.get(one, one) for one in text)


def sparing(text):
    """Escape no more than XML demands in a text or between double quotes."""
    return "".join(ENTITIES[one] if one in '&<"' else one for one in text).replace("]]>", "]]&gt;")


@_once
def escapes():
    """Draw one of the ways to escape."""
    return st.sampled_from([escaped, sparing])


def _tag(name, text, escape, end="\n"):
    return "<%s>%s</%s>%s" % (name, escape(text), name, end)


@_once
def texts():
    """Draw text for an element or attribute: plain, with characters that must be escaped, and of any script."""
    return st.one_of(st.text(alphabet=NAMES + " _-./:#+%", max_size=20), st.text(alphabet="ab&<>\"'; =", max_size=12),
                     st.text(alphabet=st.characters(**UNWRITABLE), max_size=12))


@_once
def messages():
    """Draw a message of several lines as it stands in CDATA; only the end of CDATA is not in it."""
    usual = st.sampled_from(["---- FatalRootError BEGIN", "<b>&amp;]] >", "]]", "&&"])
    return st.lists(st.one_of(texts(), usual), max_size=6).map(lambda parts: "\n".join(parts).replace("]]>", "]] >"))


@_once
def numbers(top=10 ** 9):
    """Draw a number as text."""
    return st.integers(0, top).map(str)


@_once
def pathNames():
    """Draw file names, logical and physical, with and without what must be escaped."""
    return st.one_of(st.just(""), st.builds("/store/data/Run{}/RAW/{}.root".format, numbers(3000), numbers()), texts(),
                     st.builds("root://host{}.cern.ch//store/{}.root?a=1&b={}".format, numbers(9), numbers(), texts()))


@_once
def _names(*usual):
    """Draw names of elements, attributes and metrics; none of them is a method of upstream's ConfigSection."""
    return st.one_of(st.sampled_from(usual), st.text(alphabet=NAMES, min_size=3, max_size=10).map("x{}".format))


@st.composite
def runs(draw, maxLumis=3000):
    """Draw a `Runs` section; the lumis of a run are a map in cmsRun: no number twice, some lists big."""
    pieces, values = ["<Runs>"], []
    for number in draw(st.lists(numbers(), unique=True, max_size=3)):
        first, step = draw(st.integers(1, 10 ** 6)), draw(st.integers(1, 3))
        count = draw(st.integers(0, 4)) if draw(st.integers(0, 7)) else draw(st.integers(0, maxLumis))
        events = draw(st.lists(st.one_of(st.none(), st.integers(0, 10 ** 7)), min_size=1, max_size=3))
        perLumi = {first + step * i: events[i % len(events)] for i in range(count)}
        pieces.append('\n<Run ID="%s">\n' % number)
        for lumi, seen in perLumi.items():
            pieces.append('   <LumiSection ID="%d"%s/>\n' % (lumi, "" if seen is None else ' NEvents="%d"' % seen))
        pieces.append("</Run>\n")
        values.append(Run(number, perLumi))
    return Piece("".join(pieces) + "\n</Runs>\n", tuple(values))


def _branches(names, escape):
    return "<Branches>%s\n</Branches>\n" % "".join("\n  " + _tag("Branch", name, escape, "") for name in names)


@_once
def branchNames():
    """Draw names of branches, now and then one that no plain reading understands."""
    usual = st.builds("edmTriggerResults_TriggerResults_{}_RECO.".format, numbers(99))
    return st.lists(st.one_of(usual, usual, usual, texts()), max_size=5)


@st.composite
def inputLinks(draw):
    """Draw the `Inputs` of an output file; old releases do not tell of fast copying."""
    pieces, values, withCopying, escape = ["\n<Inputs>"], [], draw(st.booleans()), draw(escapes())
    for lfn, pfn in draw(st.lists(st.tuples(pathNames(), pathNames()), max_size=3)):
        value = {"LFN": lfn, "PFN": pfn}
        if withCopying:
            value["FastCopying"] = draw(st.sampled_from("01"))
        pieces.append("\n<Input>%s\n</Input>" % "".join(
            "\n  " + _tag(name, text, escape, "") for name, text in value.items()))
        values.append({name: text.strip() for name, text in value.items()})
    return Piece("".join(pieces) + "\n</Inputs>\n", tuple(values))


@st.composite
def oldLumiSections(draw):
    """Draw the `LumiSections` of 2008's releases."""
    pieces, values = ["\n<LumiSections>"], []
    for lumi, run in draw(st.lists(st.tuples(numbers(), numbers()), min_size=1, max_size=3)):
        pieces.append('\n<LumiSection>\n<LumiSectionNumber Value="%s"/>\n<RunNumber Value="%s"/>\n</LumiSection>\n'
                      % (lumi, run))
        parts = (UnknownElement("LumiSectionNumber", {"Value": lumi}), UnknownElement("RunNumber", {"Value": run}))
        values.append(UnknownElement("LumiSection", {}, "", parts))
    return Piece("".join(pieces) + "\n</LumiSections>\n", UnknownElement("LumiSections", {}, "", tuple(values)))


@st.composite
def _fileParts(draw, more):
    """Draw what input and output files begin with, and the texts that follow: text, texts and extras of the value."""
    state, escape = draw(st.sampled_from(["closed", "closed", "open"])), draw(escapes())
    label = draw(st.sampled_from(["source", "RECOoutput", "outputALCARECO"]))
    begin = [("LFN", draw(pathNames())), ("PFN", draw(pathNames())), ("Catalog", draw(texts())), ("ModuleLabel", label),
             ("GUID", draw(texts()))]
    end = [(name, draw(strategy)) for name, strategy in more]
    text = '\n<State  Value="%s"/>\n' % state + "".join(_tag(name, one, escape) for name, one in begin) \
        + _branches(draw(branchNames()), escape) \
        + "".join(_tag(name, one, escape, draw(st.sampled_from(["\n", "\n\n"]))) for name, one in end)
    values = dict([("State", "")] + [(name, written.strip()) for name, written in begin + end])
    return text, values, (UnknownElement("State", {"Value": state}),)


@st.composite
def inputFiles(draw):
    """Draw an `InputFile`."""
    more = [("InputType", st.sampled_from(["primaryFiles", "secondaryFiles", "mixingFiles"])),
            ("InputSourceClass", st.just("PoolSource")), ("EventsRead", numbers())]
    text, values, extras = draw(_fileParts(more))
    ran = draw(runs())
    return Piece("\n<InputFile>%s%s</InputFile>\n" % (text, ran.text),
                 InputFile("InputFile", {}, values, ran.value, (), extras))


@st.composite
def outputFiles(draw):
    """Draw a `File`."""
    more = [("OutputModuleClass", st.just("PoolOutputModule")), ("TotalEvents", numbers()), ("DataType", texts()),
            ("BranchHash", st.text(alphabet=string.hexdigits, max_size=32))]
    text, values, extras = draw(_fileParts(more))
    ran, links = draw(st.one_of(runs(), runs(), oldLumiSections())), draw(inputLinks())
    ofRuns = ran.value
    if isinstance(ofRuns, UnknownElement):
        values, extras, ofRuns = dict(values, LumiSections=""), extras + (ofRuns,), ()
    return Piece("\n<File>%s%s%s</File>\n" % (text, ran.text, links.text),
                 OutputFile("File", {}, values, ofRuns, links.value, extras))


@st.composite
def _attributed(draw, names):
    """Draw attributes: the text, and the dict. Parsers make one space of a line end, so there is none in them."""
    values = {name: draw(strategy) for name, strategy in names}
    end, escape = draw(st.sampled_from(["", " "])), draw(escapes())
    return "".join(' %s="%s"' % (name, escape(text)) for name, text in values.items()) + end, values


@st.composite
def analysisFiles(draw):
    """Draw an `AnalysisFile`; a property has a Value, though not in every module that writes one."""
    name, properties = draw(pathNames()), draw(st.lists(_names("Source", "Type", "LFN"), unique=True, max_size=4))
    escape = draw(escapes())
    pieces = ["<AnalysisFile>\n  " + _tag("FileName", name, escape)]
    children = [UnknownElement("FileName", {}, name.strip())]
    for one in properties:
        value = draw(st.one_of(texts(), texts(), texts(), st.none()))
        pieces.append("  <%s %s />\n" % (one, "" if value is None else ' Value="%s"' % escape(value)))
        children.append(UnknownElement(one, {} if value is None else {"Value": value}))
    return Piece("".join(pieces) + "</AnalysisFile>\n", AnalysisFile("AnalysisFile", {}, "", tuple(children)))


@st.composite
def errors(draw):
    """Draw a `FrameworkError`; the message stands raw in CDATA."""
    code = draw(st.one_of(st.sampled_from(["8001", "8021", "84", "139", "85"]), numbers(9999)))
    (text, values), message = draw(_attributed([("ExitStatus", st.just(code)), ("Type", texts())])), draw(messages())
    return Piece("<FrameworkError%s>\n<![CDATA[\n%s\n]]>\n</FrameworkError>\n" % (text, message),
                 FrameworkError("FrameworkError", values, message.strip()))


@st.composite
def skipped(draw):
    """Draw a `SkippedFile`, `SkippedEvent` or `FallbackAttempt`; the last one's CDATA comes after its end."""
    itemClass = draw(st.sampled_from([SkippedFile, SkippedEvent, FallbackAttempt]))
    names = [("Run", numbers()), ("Event", numbers(2 ** 64 - 1))] if itemClass is SkippedEvent \
        else [("Pfn", pathNames()), ("Lfn", pathNames())]
    text, values = draw(_attributed(names))
    after = "<![CDATA[\n%s\n]]>\n" % draw(messages()) if itemClass is FallbackAttempt else ""
    return Piece("<%s%s/>\n%s" % (itemClass.__name__, text, after), itemClass(itemClass.__name__, values))


@st.composite
def performance(draw):
    """Draw a `PerformanceReport`; its metrics are a map in cmsRun: sorted, no name twice."""
    kind, names = draw(st.sampled_from([
        ("SystemCPU", ["CPUModels", "totalCPUs", "averageCoreSpeed"]),
        ("Timing", ["AvgEventTime", "TotalJobCPU", "NumberOfStreams", "TotalInitTime", "EventThroughput"]),
        ("ApplicationMemory", ["PeakValueRss", "PeakValueVsize", "LargestRssEvent-h-PSS", "AverageGrowthRateRss"]),
        ("StorageStatistics", ["Timing-%s-%s" % (who, what) for who in ("file", "root", "tstoragefile")
                               for what in ("read-totalMegabytes", "read-numOperations", "readv-numOperations",
                                            "read-totalMsecs", "read-maxMsecs", "write-totalMegabytes")]),
        ("XrdSiteStatistics", ["read-numOperations", "read-totalMegabytes", "readv-numChunks"])]))
    values, escape = numbers(), draw(escapes())
    if kind != "StorageStatistics":
        values = st.one_of(values, st.sampled_from(["true", "false", "-1", "2.5", "nan", "1e-05"]), texts())
    pairs = sorted(draw(st.dictionaries(st.sampled_from(names), values, max_size=6)).items())
    metrics = "".join('    <Metric Name="%s" Value="%s"/>\n' % (name, escape(value)) for name, value in pairs)
    begin, what, about = '  <PerformanceSummary Metric="%s">\n' % kind, "PerformanceSummary", {"Metric": kind}
    if kind == "XrdSiteStatistics":
        what, about = "PerformanceModule", {"Metric": draw(st.sampled_from(["cern.ch", "infn.it"])), "Module": kind}
        begin = '  <PerformanceModule Metric="%s"  Module="%s" >\n' % (about["Metric"], kind)
    section = PerformanceSection(what, about, tuple(pairs))
    return Piece("<PerformanceReport>\n%s%s  </%s>\n</PerformanceReport>\n" % (begin, metrics, what),
                 PerformanceReport("PerformanceReport", {}, "", (section,)))


@st.composite
def unknown(draw):
    """Draw an element the model has no class for: lists of empty elements or texts, and nests as of old releases."""
    name = draw(_names("ReadBranches", "SecondarySourceReadBranches", "GeneratorInfo", "MemoryService",
                       "MessageSummary", "StorageStatistics", "Process"))
    quote = draw(st.sampled_from("\"'"))
    pieces, children = [], []
    for child in draw(st.lists(_names("Branch", "Data", "param", "counter-value"), max_size=4)):
        values = draw(st.dictionaries(_names("Name", "ReadCount", "unit"), texts(), max_size=3))
        written = "".join(" %s=%s%s%s" % (key, quote, escaped(text), quote) for key, text in values.items())
        said = draw(st.one_of(st.none(), texts()))
        pieces.append(" <%s%s%s\n" % (child, written, "/>" if said is None else ">%s</%s>" % (escaped(said), child)))
        children.append(UnknownElement(child, values, (said or "").strip()))
    if draw(st.booleans()):
        pieces = ["<summary>\n%s</summary>\n" % "".join(pieces)]
        children = [UnknownElement("summary", {}, "", tuple(children))]
    return Piece("\n<%s>\n%s</%s>\n" % (name, "".join(pieces), name), UnknownElement(name, {}, "", tuple(children)))


@st.composite
def unknownTexts(draw):
    """Draw an unknown element of text only: the random state's file, the shutdown signal."""
    name, text = draw(_names("RandomServiceStateFile", "ShutdownSignal")), draw(texts())
    if name == "ShutdownSignal":
        return Piece("<ShutdownSignal/>\n", UnknownElement(name))
    return Piece("<%s>\n%s\n</%s>\n" % (name, draw(escapes())(text), name), UnknownElement(name, {}, text.strip()))


def items():
    """Draw any direct child of the root but the placeholder."""
    return st.one_of(inputFiles(), outputFiles(), analysisFiles(), errors(), skipped(), performance(), unknown(),
                     unknownTexts())


@st.composite
def reports(draw, content=None, maxItems=5, placeholders=True):
    """
    Draw a whole report.

    :param content: strategy of Piece, what is in it; None for anything
    :param maxItems: int
    :param placeholders: bool, some end with the placeholder 8901, as cmsRun leaves them while no error was reported
    :return: strategy of (bytes, FrameworkJobReport)
    """
    pieces = draw(st.lists(items() if content is None else content, max_size=maxItems))
    values = [piece.value for piece in pieces]
    end = draw(st.sampled_from(["", "<!--%s-->\n" % (" " * draw(st.integers(0, 80))), PLACEHOLDER]))
    if end == PLACEHOLDER:
        isLeft = placeholders and not any(isinstance(value, FrameworkError) for value in values)
        values, end = values + [PLACEHOLDER_ERROR] * isLeft, end * isLeft
    text = "<FrameworkJobReport>\n%s%s</FrameworkJobReport>\n" % ("".join(piece.text for piece in pieces), end)
    return text.encode("utf-8"), FrameworkJobReport(tuple(values))
