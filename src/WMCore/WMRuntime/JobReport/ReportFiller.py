"""
Put what was read of cmsRun's report into WMCore's Report.

The Report's layout and the types in it are WMCore's (WMCore.FwkJobReport.Report and the XMLParser beside it, 2.4.5.9):
what other stations of the job and the agent read. What a damaged report lacks is left out, as they allow for.
"""
from WMCore.WMRuntime.JobReport.ConfigSections import ConfigSections
from WMCore.WMRuntime.JobReport.Element import (AnalysisFile, FallbackAttempt, FrameworkError, SkippedEvent,
                                                SkippedFile, asNumber)
from WMCore.WMRuntime.JobReport.Model import InputFile, OutputFile, PerformanceReport
from WMCore.WMRuntime.JobReport.PerformanceFiller import PerformanceFiller

_COMMON = (("lfn", "LFN"), ("pfn", "PFN"), ("catalog", "Catalog"), ("module_label", "ModuleLabel"), ("guid", "GUID"))
_INPUT = _COMMON + (("input_type", "InputType"), ("input_source_class", "InputSourceClass"))
_OUTPUT = _COMMON + (("output_module_class", "OutputModuleClass"), ("branch_hash", "BranchHash"))
NO_LABEL = "unknown"
NO_STEP = "unknownStep"
DEFAULT_CODE = 8001
DEFAULT_TYPE = "CMSException"
PLACEHOLDER = 8901


def exitCodeOf(error):
    """
    Read the code of an error.

    :param error: FrameworkError
    :return: int; 8001 when there is none, or none that can be read. A 0 stays: it is an error without a code, which
        leaves the word to the process (CRABServer#7571).
    """
    code = error.exitCode
    return DEFAULT_CODE if code is None or code < 0 else code


class ReportFiller(object):
    """
    Fill the current step of a Report.

    :param report: WMCore.FwkJobReport.Report.Report; without a step it gets one named unknownStep
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
        self.handlers = {InputFile: self._addInputFile, OutputFile: self._addOutputFile,
                         AnalysisFile: self._addAnalysisFile, SkippedFile: self._addSkippedFile,
                         SkippedEvent: self._addSkippedEvent, FallbackAttempt: self._addFallback,
                         PerformanceReport: PerformanceFiller(self.sections, self.step.performance).fill}

    def fill(self, items, moreErrors=()):
        """
        Add the elements of a report, then its errors, the placeholder 8901 as the last.

        :param items: iterable of items of FrameworkJobReport
        :param moreErrors: iterable of (int, str, str), code, type and details of errors that are no items
        """
        handlers, errors = self.handlers, []
        for item in items:
            handler = handlers.get(item.__class__)
            if handler is not None:
                handler(item)
            elif item.__class__ is FrameworkError:
                errors.append((exitCodeOf(item), item.attributes.get("Type", DEFAULT_TYPE), _text(item)))
            else:
                self.sections.setValues(self.step.parameters, {self.sections.safeName(item.name): _text(item)})
        errors.extend(moreErrors)
        for code, errorType, details in sorted(errors, key=lambda error: error[0] == PLACEHOLDER):
            self.report.addError(self.errorStep, code, errorType, details)
        if errors and self.report.retrieveStep(self.errorStep).status == 0:
            # The last one's code, which is none; the agent takes a status of 0 for a success.
            self.report.setStepStatus(self.errorStep, 1)

    def note(self, content):
        """
        Say in a section of the step, jobReport, what its report had besides what was filled in.

        :param content: dict of str to plain value
        """
        self.sections.setValues(self.sections.find(self.step, "jobReport"), content)

    def _addFile(self, item, files, names):
        """Add a file to the files section of its module, with its runs; give its own section and a dict for more."""
        texts = item.texts
        values = {name: texts[tag] for name, tag in names if tag in texts}
        events = item.events
        if events is not None:
            values["events"] = events
        section = self._addNumbered(files, values)
        runs = {self.sections.safeName(run.number): dict(run.eventsPerLumi) for run in item.runs
                if asNumber(run.number) is not None}
        self.sections.add(section, "runs", runs)
        return section

    def _addNumbered(self, files, values):
        """Add a section fileN to a section that counts its files."""
        members = vars(files)
        count = members["fileCount"]
        section = self.sections.add(files, "file%d" % count, values)
        members["fileCount"] = count + 1
        return section

    def _label(self, item):
        label = item.moduleLabel
        return NO_LABEL if label is None else self.sections.safeName(label)

    def _addInputFile(self, item):
        source = self.sections.find(self.step.input, self._label(item))
        self._addFile(item, self.sections.find(source, "files", {"fileCount": 0}), _INPUT)

    def _addOutputFile(self, item):
        label = self._label(item)
        if label not in vars(self.step.output):
            self.report.addOutputModule(label)
        files = vars(self.step.output)[label].files
        section = self._addFile(item, files, _OUTPUT)
        if item.inputs:
            self.sections.setValues(section, {"input": [one.get("LFN", "") for one in item.inputs],
                                              "inputpfns": [one.get("PFN", "") for one in item.inputs]})

    def _addAnalysisFile(self, item):
        values = {"fileName": item.fileName}
        values.update((self.sections.safeName(name), value) for name, value in item.values.items())
        self._addNumbered(self.step.analysis.files, values)

    def _addSkippedFile(self, item):
        self._addNumbered(self.step.skipped.files, {"PhysicalFileName": item.pfn, "LogicalFileName": item.lfn})

    def _addFallback(self, item):
        self._addNumbered(self.step.fallback.files, {"PhysicalFileName": item.pfn, "LogicalFileName": item.lfn})

    def _addSkippedEvent(self, item):
        if item.run is None or item.event is None:
            return
        run = self.sections.find(self.step.skipped.events, self.sections.safeName(item.run), {"eventList": []})
        run.eventList.append(item.event)


def _text(item):
    """Give the text of an element that has nothing but text."""
    return "" if item.children else item.text
