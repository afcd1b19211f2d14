"""
JobReport: writes FrameworkJobReport.xml as cmsRun does

While cmsRun runs, releases from 12_6 on keep the file well-formed with an error 8901 at its end, older ones leave it
without an end (cms-sw/cmssw FWCore/MessageLogger/src/JobReport.cc; cmssw#41124).
"""
import io
import os

PLACEHOLDER = u'<FrameworkError ExitStatus="8901" Type="UnexpectedJobTermination"/>\n'
END = u"</FrameworkJobReport>\n"


def asText(value):
    """
    :param value: anything; bytes are taken as UTF-8
    :return: text (unicode in python 2)
    """
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else u"%s" % (value,)


def escaped(value):
    """
    :param value: anything
    :return: its text, for an element or an attribute
    """
    text = asText(value)
    for character, entity in ((u"&", u"&amp;"), (u"<", u"&lt;"), (u">", u"&gt;"), (u'"', u"&quot;")):
        text = text.replace(character, entity)
    return text


class JobReport(object):
    """One report; `path` None writes none."""

    def __init__(self, path, placeholder):
        self.path = path
        self.placeholder = placeholder
        self.body = [u"<FrameworkJobReport>\n"]
        self.flush()

    def add(self, text):
        """
        Append to the report and bring it to the disk.

        :param text: XML
        """
        self.body.append(text)
        self.flush()

    def flush(self):
        """Write what there is, with the end that a report has while cmsRun runs."""
        self.write(u"".join(self.body) + (PLACEHOLDER + END if self.placeholder else u""))

    def close(self):
        """Write the end; what is left of a longer placeholder becomes a comment."""
        text = u"".join(self.body) + END
        rest = len(PLACEHOLDER) if self.placeholder else 0
        self.write(text + (u"<!--%s-->\n" % (u" " * (rest - len(u"<!---->\n"))) if rest else u""))

    def write(self, text):
        """
        Overwrite the file, in place as cmsRun does.

        :param text: the new content
        """
        if self.path is None:
            return
        mode = "r+b" if os.path.exists(self.path) else "wb"
        with io.open(self.path, mode) as handle:
            handle.write(text.encode("utf-8"))
            handle.truncate()

    def addError(self, code, category, message):
        """
        Report an exception.

        :param code: exit code, unchanged
        :param category: its name
        :param message: what the exception says
        """
        self.add(u'<FrameworkError ExitStatus="%d" Type="%s" >\n<![CDATA[\n%s\n]]>\n</FrameworkError>\n'
                 % (code, escaped(category), asText(message).replace(u"]]>", u"]] >")))

    def addSkippedFile(self, lfn, pfn):
        """
        Report a file that was skipped.

        :param lfn: its LFN
        :param pfn: its PFN
        """
        self.add(u'<SkippedFile Pfn="%s" Lfn="%s" />\n' % (escaped(pfn), escaped(lfn)))

    def addFallback(self, lfn, pfn, message):
        """
        Report an attempt to open a file that failed, before one that did not.

        :param lfn: its LFN
        :param pfn: PFN of the failed attempt
        :param message: why it failed; stands after the element, as cmsRun has it
        """
        self.add(u'<FallbackAttempt Pfn="%s" Lfn="%s" />\n<![CDATA[\n%s\n]]>\n' % (escaped(pfn), escaped(lfn), asText(message)))

    def addInputFile(self, opened, sourceClass):
        """
        Report an input file.

        :param opened: InputFile
        :param sourceClass: type of the source
        """
        self.add(u"\n<InputFile>\n%s%s\n<InputType>primaryFiles</InputType>\n<InputSourceClass>%s</InputSourceClass>\n"
                 u"<EventsRead>%d</EventsRead>\n%s</InputFile>\n"
                 % (identity(opened.lfn, opened.pfn, "source", opened.content.guid), branches(opened.content.branches),
                    escaped(sourceClass), opened.eventsRead, runs(opened.lumis)))

    def addOutputFile(self, written, inputs):
        """
        Report an output file.

        :param written: OutputFile
        :param inputs: list of InputFile
        """
        sources = u"".join(u"<Input>\n  <LFN>%s</LFN>\n  <PFN>%s</PFN>\n  <FastCopying>0</FastCopying>\n</Input>\n"
                           % (escaped(opened.lfn), escaped(opened.pfn)) for opened in inputs)
        self.add(u"\n<File>\n%s%s\n<OutputModuleClass>%s</OutputModuleClass>\n<TotalEvents>%d</TotalEvents>\n\n"
                 u"<DataType>%s</DataType>\n\n<BranchHash>%s</BranchHash>\n\n%s\n<Inputs>\n%s</Inputs>\n</File>\n"
                 % (identity(written.lfn, written.pfn, written.label, written.content.guid),
                    branches(written.content.branches), escaped(written.moduleClass), written.events, written.dataType,
                    written.branchHash, runs(written.content.lumis, written.perLumi), sources))

    def addAnalysisFile(self, name, **attributes):
        """
        Report a file that is not made of events (histograms).

        :param name: its name
        :param attributes: further values
        """
        lines = u"".join(u'<%s Value="%s"/>\n' % (key, escaped(value)) for key, value in sorted(attributes.items()))
        self.add(u"\n<AnalysisFile>\n<FileName>%s</FileName>\n%s</AnalysisFile>\n" % (escaped(name), lines))

    def addReadBranches(self, names, count):
        """
        Report which branches were read.

        :param names: list of names
        :param count: how many times each
        """
        lines = u"".join(u'<Branch Name="%s" ReadCount="%d" />\n' % (escaped(name), count) for name in names)
        self.add(u"<ReadBranches>\n%s</ReadBranches>\n" % lines)

    def addPerformance(self, summary, metrics):
        """
        Report measurements.

        :param summary: name of the summary
        :param metrics: dict of values by name
        """
        lines = u"".join(u'    <Metric Name="%s" Value="%s"/>\n' % (escaped(name), escaped(value))
                         for name, value in sorted(metrics.items()))
        self.add(u'<PerformanceReport>\n  <PerformanceSummary Metric="%s">\n%s  </PerformanceSummary>\n</PerformanceReport>\n'
                 % (escaped(summary), lines))


def identity(lfn, pfn, label, guid):
    """:return: XML of what identifies a file, from its LFN, PFN, module's label and GUID"""
    return (u'<State  Value="closed"/>\n<LFN>%s</LFN>\n<PFN>%s</PFN>\n<Catalog></Catalog>\n<ModuleLabel>%s</ModuleLabel>\n'
            u"<GUID>%s</GUID>\n" % (escaped(lfn), escaped(pfn), escaped(label), escaped(guid)))


def branches(names):
    """:return: XML of a list of names of branches"""
    return u"<Branches>\n%s</Branches>" % u"".join(u"  <Branch>%s</Branch>\n" % escaped(name) for name in names)


def runs(lumis, perLumi=None):
    """:return: XML of a list of (run, lumi), with the number of events when `perLumi` is a dict of it"""
    lines = [u"<Runs>\n"]
    for run in sorted(set(lumi[0] for lumi in lumis)):
        lines.append(u'<Run ID="%d">\n' % run)
        for lumi in sorted(set(lumi for lumi in lumis if lumi[0] == run)):
            events = u"" if perLumi is None else u' NEvents="%d"' % perLumi.get(lumi, 0)
            lines.append(u'   <LumiSection ID="%d"%s/>\n' % (lumi[1], events))
        lines.append(u"</Run>\n")
    return u"".join(lines) + u"\n</Runs>\n"
