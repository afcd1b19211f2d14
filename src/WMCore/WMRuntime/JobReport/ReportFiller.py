"""
Put what was read of cmsRun's report into WMCore's Report.

The Report's layout and the types in it are WMCore's (WMCore.FwkJobReport.Report and the XMLParser beside it, 2.4.5.9):
what other stations of the job and the agent read. What a damaged report lacks is left out, as they allow for. Filled
from the reader's elements, without the model: to import that takes longer than to read a usual report.
"""
import logging

from WMCore.WMRuntime.JobReport.ConfigSections import ConfigSections
from WMCore.WMRuntime.JobReport.Reading import asNumber, eventsPerLumi, shortened, textOf

_COMMON = (("lfn", "LFN"), ("pfn", "PFN"), ("catalog", "Catalog"), ("module_label", "ModuleLabel"), ("guid", "GUID"))
_INPUT = _COMMON + (("input_type", "InputType"), ("input_source_class", "InputSourceClass"))
_OUTPUT = _COMMON + (("output_module_class", "OutputModuleClass"), ("branch_hash", "BranchHash"))
NO_LABEL = "unknown"
NO_STEP = "unknownStep"
DEFAULT_TYPE = "CMSException"
# Codes in one report: WMCore looks through all of them for each it adds.
MAX_ERRORS = 100


class ReportFiller(object):
    """
    Fill the current step of a Report.

    :param report: WMCore.FwkJobReport.Report.Report; without a step it gets one named unknownStep
    :ivar sawProblems: bool, whether there may be numbers that are none, or other problems the model tells
    """

    def __init__(self, report):
        steps = report.listSteps()
        if report.report is None and not steps:
            report.addStep(NO_STEP)
            steps = report.listSteps()
        self.report = report
        # Files and the like belong to the step last added, errors to the first: there is one as a rule.
        self.step = report.retrieveStep(steps[0]) if report.report is None else report.report
        self.errorStep = steps[0]
        self.sections = ConfigSections(self.step)
        self.sawProblems = False
        self.handlers = {"InputFile": self._addInputFile, "File": self._addOutputFile,
                         "AnalysisFile": self._addAnalysisFile, "SkippedFile": self._addSkippedFile,
                         "SkippedEvent": self._addSkippedEvent, "FallbackAttempt": self._addFallback,
                         "PerformanceReport": self._addPerformance}
        self.performance = None

    def fill(self, elements, moreErrors=()):
        """
        Add the elements of a report, then the first error of each code, the placeholder 8901 as the last.

        :param elements: iterable of the root's children, as ReportAttempt gives them
        :param moreErrors: iterable of (int, str, str), code, type and details of errors that are no elements
        """
        handlers, errors = self.handlers, []
        for element in elements:
            handler = handlers.get(element.tag)
            if handler is not None:
                handler(element)
            elif element.tag == "FrameworkError":
                errors.append(self._error(element))
            else:
                self.sections.setValues(self.step.parameters, {self.sections.safeName(element.tag): _text(element)})
        errors.extend(moreErrors)
        if errors:
            self._addErrors(errors)

    def note(self, content):
        """
        Say in a section of the step, jobReport, what its report had besides what was filled in.

        :param content: dict of str to plain value
        """
        self.sections.setValues(self.sections.find(self.step, "jobReport"), content)

    def _error(self, element):
        """Give the code, type and details of an error; a damaged one is a problem."""
        from WMCore.WMRuntime.JobReport.ReportAttempt import reportedCode
        status = element.get("ExitStatus")
        if asNumber(status) is None or hasattr(element, "problem"):
            self.sawProblems = True
        return reportedCode(status), element.get("Type", DEFAULT_TYPE), _text(element)

    def _addErrors(self, errors):
        # In a job it is loaded; elsewhere a report without errors does not need it.
        from WMCore.WMRuntime.Errors import PLACEHOLDER, exitCause, isRealCode
        firsts, seen = [], set()
        for error in sorted(errors, key=lambda error: error[0] == PLACEHOLDER):
            if error[0] not in seen:
                firsts.append(error)
            # WMCore takes each 0 for a new one.
            if error[0]:
                seen.add(error[0])
        if len(firsts) < len(errors):
            logging.warning("%d errors of the job report have the codes of others; the first of each code is kept",
                            len(errors) - len(firsts))
        if len(firsts) > MAX_ERRORS:
            self.note({"errorsLeftOut": len(firsts) - MAX_ERRORS})
            firsts = sorted(firsts, key=lambda error: not isRealCode(error[0]))[:MAX_ERRORS]
        for code, errorType, details in firsts:
            self.report.addError(self.errorStep, code, errorType, details)
        codes = [code for code, _type, _details in firsts]
        # WMCore's is the last one's code. The agent takes a status of 0 for a success.
        self.report.setStepStatus(self.errorStep, exitCause(reportCodes=codes).code if any(codes) else 1)

    def _number(self, text):
        """Read a number; one that is none is a problem."""
        number = asNumber(text)
        if number is None:
            self.sawProblems = True
        return number

    def _readBroken(self, lumi, events):
        """Read what can be read of a lumi section with a malformed number."""
        return self._number(lumi), self._number(events)

    def _addFile(self, element, texts, events, files, names):
        """Add a file to the files section of its module, with its runs; give its own section."""
        values = {name: texts[tag] for name, tag in names if tag in texts}
        events = self._number(texts[events]) if texts.get(events) else None
        if events is not None:
            values["events"] = events
        section = self._addNumbered(files, values)
        runs = {}
        for child in element:
            if child.tag == "Runs":
                for run in child:
                    if run.tag == "Run":
                        events = eventsPerLumi(run, self._readBroken)[0]
                        number = run.get("ID")
                        if self._number(number) is not None:
                            runs[self.sections.safeName(number)] = events
        self.sections.add(section, "runs", runs)
        return section

    def _addNumbered(self, files, values):
        """Add a section fileN to a section that counts its files."""
        members = vars(files)
        count = members["fileCount"]
        section = self.sections.add(files, "file%d" % count, values)
        members["fileCount"] = count + 1
        return section

    def _label(self, texts):
        label = texts.get("ModuleLabel")
        return NO_LABEL if label is None else self.sections.safeName(label)

    def _addInputFile(self, element):
        texts = _texts(element)
        source = self.sections.find(self.step.input, self._label(texts))
        files = self.sections.find(source, "files", {"fileCount": 0})
        self._addFile(element, texts, "EventsRead", files, _INPUT)

    def _addOutputFile(self, element):
        texts = _texts(element)
        label = self._label(texts)
        if label not in vars(self.step.output):
            self.report.addOutputModule(label)
        files = vars(self.step.output)[label].files
        section = self._addFile(element, texts, "TotalEvents", files, _OUTPUT)
        inputs = [_texts(one) for child in element if child.tag == "Inputs" for one in child]
        if inputs:
            self.sections.setValues(section, {"input": [one.get("LFN", "") for one in inputs],
                                              "inputpfns": [one.get("PFN", "") for one in inputs]})

    def _addAnalysisFile(self, element):
        names = [shortened(textOf(child)) for child in element if child.tag == "FileName"]
        values = {"fileName": names[-1] if names else None}
        values.update((self.sections.safeName(child.tag), child.get("Value")) for child in element
                      if child.tag != "FileName")
        self._addNumbered(self.step.analysis.files, values)

    def _addSkippedFile(self, element):
        self._addNumbered(self.step.skipped.files, _names(element))

    def _addFallback(self, element):
        self._addNumbered(self.step.fallback.files, _names(element))

    def _addSkippedEvent(self, element):
        run, event = element.get("Run"), element.get("Event")
        self._number(run), self._number(event)
        if run is not None and event is not None:
            section = self.sections.find(self.step.skipped.events, self.sections.safeName(run), {"eventList": []})
            section.eventList.append(event)

    def _addPerformance(self, element):
        if self.performance is None:
            # Reports of jobs that failed early have none.
            from WMCore.WMRuntime.JobReport.PerformanceFiller import PerformanceFiller
            self.performance = PerformanceFiller(self.sections, self.step.performance)
        if not self.performance.fill(element):
            self.sawProblems = True


def _texts(element):
    """Give the texts of an element's children by their tags, the last of a tag counts."""
    return {child.tag: textOf(child) for child in element}


def _names(element):
    """Give the names of a file that could not be opened."""
    return {"PhysicalFileName": element.get("Pfn"), "LogicalFileName": element.get("Lfn")}


def _text(element):
    """Give the text of an element that has nothing but text."""
    return "" if len(element) else shortened(textOf(element))
