"""
Put a job report into rows for a person to read.
"""
from WMCore.WMRuntime.Errors import EXIT_CODES
from WMCore.WMRuntime.JobReport.ParseResult import (COMPLETE, PLACEHOLDER, PLACEHOLDER_CODE, REPAIRED, TRUNCATED, UNUSABLE,
                                                    errorCode)
from WMCore.WMRuntime.JobReport.ReportAttempt import GARBAGE_AT_END
from WMCore.WMRuntime.JobReport.Sanitiser import AMPERSAND, CDATA_END, CONTROL, ENCODING

# Merges have thousands of inputs; the JSON has them all.
MANY, MANY_RUNS, MANY_LINES, MANY_CHARACTERS = 20, 5, 6, 400

STATUS_MEANING = {COMPLETE: "read as it is, to its end",
                  PLACEHOLDER: "cmsRun did not finish it: it still runs, or was killed or crashed",
                  REPAIRED: "read to its end after the repairs below; the file is as it was",
                  TRUNCATED: "only what was complete before the trouble is below",
                  UNUSABLE: "not one complete element could be read"}
_REMEDIES = {PLACEHOLDER: "if cmsRun has ended: read the end of its stdout and stderr logs for the cause, and "
                          "<step>-status.json for its signal",
             TRUNCATED: "keep the file; read the end of cmsRun's log: a crash or a full disk leaves such a report",
             UNUSABLE: "keep the file; see whether it is the FrameworkJobReport.xml of the step's directory, and read the "
                       "end of cmsRun's log"}

_REPAIRS = {AMPERSAND: "unescaped &", CONTROL: "control characters, now U+FFFD", CDATA_END: "]]> inside a message",
            ENCODING: "bytes that are no UTF-8, now U+FFFD", GARBAGE_AT_END: "bytes behind the end, left out"}

# Table, metric, label, unit: SimpleMemoryCheck writes megabytes, the Timing service seconds.
_TOP_NUMBERS = (("ApplicationMemory", "PeakValueRss", "peak RSS", "MB"),
                ("ApplicationMemory", "PeakValueVsize", "peak Vsize", "MB"),
                ("ApplicationMemory", "LargestRssEvent-h-PSS", "PSS at the peak of RSS", "MB"),
                ("Timing", "TotalJobCPU", "total CPU time", "s"),
                ("Timing", "TotalJobTime", "total wall time", "s"),
                ("Timing", "EventThroughput", "event throughput", "events/s"))
_ROOT = "tstoragefile"


def counted(number, noun):
    """
    Put a number before a noun.

    :param number: int, or None when it is not known
    :param noun: str, in the singular
    :return: str, such as "1 file", "2 files", "files unknown"
    """
    return "%ss unknown" % noun if number is None else "%d %s%s" % (number, noun, "" if number == 1 else "s")


def short(text, most=MANY_CHARACTERS):
    """
    Cut a text that is too long to read, and say so.

    :param text: str
    :param most: int, characters kept
    :return: str
    """
    return text if len(text) <= most else "%s... (%d characters)" % (text[:most], len(text))


def totalEvents(files):
    """
    Sum up the events of files.

    :param files: iterable of InputFile or OutputFile
    :return: int; None when there are files and not one knows its events
    """
    known = [one.events for one in files if one.events is not None]
    return sum(known) if known or not files else None


def summaryRows(result):
    """
    Tell what is in a report and how far it can be trusted.

    :param result: ParseResult
    :return: list of (str, str), name and text of each row; the name is empty where the one before goes on
    """
    report = result.report
    rows = [("report", "%s%s" % (result.path, "" if result.size is None else " (%s)" % counted(result.size, "byte"))),
            ("status", "%s: %s" % (result.status, STATUS_MEANING[result.status])), ("job", verdict(result))]
    rows += [("trouble", trouble(error)) for error in result.errors]
    rows += [("repaired", repaired(repair)) for repair in result.repairs]
    if result.status in _REMEDIES:
        rows.append(("what to do", _REMEDIES[result.status]))
    rows += _many(report.errors, _errorRows)
    rows += _fileRows("input", "read", report.inputFiles) + _fileRows("output", "written", report.outputFiles)
    rows += _many(report.analysisFiles, lambda one: [("analysis", short(one.fileName or "no file name"))] + [
        ("", "  %s" % short("%s: %s" % pair)) for pair in list(one.values.items())[:MANY]])
    rows += _many(report.skippedFiles, lambda one: _nameRows("skipped", "file ", one))
    rows += _many(report.skippedEvents, lambda one: [
        ("skipped", short("event %s of run %s" % (one.event or "unknown", one.run or "unknown")))])
    rows += _many(report.fallbackAttempts, lambda one: _nameRows("fallback", "", one))
    rows += _performanceRows(report)
    names = [item.name for item in report.unknownElements]
    rows += _many(sorted(set(names)), lambda name: [("other", "%s (%d)" % (short(name), names.count(name)))])
    return rows + _many(report.problems, lambda problem: [("note", short(problem))])


def verdict(result):
    """
    Say whether the job failed as far as the report tells, and with what code.

    :param result: ParseResult
    :return: str
    """
    if not result.failed:
        return "no error"
    if not result.exitCode:
        return "not known to have succeeded; no exit code"
    return "failed, exit code %d" % result.exitCode


def trouble(error):
    """
    Say what is wrong with a report, and where.

    :param error: ReadError
    :return: str
    """
    return "%s (%s)" % (short(error.message), error.describe())


def repaired(repair):
    """
    Say what was repaired.

    :param repair: Repair
    :return: str
    """
    return "%s: %d, first at byte %d" % (_REPAIRS.get(repair.kind, repair.kind), repair.count, repair.offset)


def errorTitle(error):
    """
    Name an error by its code and type.

    :param error: FrameworkError
    :return: str; tells what stands where a code should, when that is none
    """
    code = errorCode(error)
    found = "" if error.exitCode == code else " (its own code is %s)" % short(repr(error.exitStatus), 60)
    return "%d %s%s" % (code, short(error.type or "without a type", 100), found)


def _many(items, rowsOf):
    """Make the rows of the first items, and say how many more there are."""
    rows = [row for item in items[:MANY] for row in rowsOf(item)]
    if len(items) > MANY:
        rows.append(("", "... %d more; --json has them all" % (len(items) - MANY)))
    return rows


def _errorRows(error):
    code = errorCode(error)
    rows = [("error", errorTitle(error))]
    if code in EXIT_CODES:
        rows.append(("", "  %s" % EXIT_CODES[code].meaning))
    if code == PLACEHOLDER_CODE:
        rows.append(("", "  The placeholder that cmsRun keeps in its report while it runs."))
    lines = [line.rstrip() for line in error.text.splitlines() if line.strip()]
    rows += [("", "  | %s" % short(line)) for line in lines[:MANY_LINES]]
    if len(lines) > MANY_LINES:
        rows.append(("", "  ... %s" % counted(len(lines) - MANY_LINES, "more line")))
    return rows


def _nameRows(name, before, item):
    """Tell the logical name of an item, and its physical name when that is another."""
    lfn, pfn = item.lfn, item.pfn
    rows = [(name, before + short(lfn or pfn or "without a name"))]
    return rows + ([("", "  PFN %s" % short(pfn))] if lfn and pfn and pfn != lfn else [])


def _fileRows(name, done, files):
    if not files:
        return [(name, "no files")]

    def rowsOf(one):
        """Give the rows of one file."""
        words = [counted(one.events, "event"), one.moduleLabel, one.texts.get("InputType"), one.texts.get("DataType")]
        words.append("NOT CLOSED" if one.state == "open" else None)
        return _nameRows("", "", one) + [("", "  " + short(", ".join(word for word in words if word)))] + _runRows(one.runs)

    events = totalEvents(files)
    total = counted(events, "event") + (" %s" % done if events is not None else "")
    return [(name, "%s, %s" % (counted(len(files), "file"), total))] + _many(files, rowsOf)


def _runRows(runs):
    rows = [("", "  run %s: %s" % (short(run.number or "unknown"), counted(len(run.eventsPerLumi), "lumi")))
            for run in runs[:MANY_RUNS]]
    if len(runs) > MANY_RUNS:
        rest = runs[MANY_RUNS:]
        rows.append(("", "  ... %s, %s" % (counted(len(rest), "more run"),
                                          counted(sum(len(run.eventsPerLumi) for run in rest), "lumi"))))
    return rows


def _performanceRows(report):
    tables = {}
    for section in (one for service in report.performanceReports for one in service.sections):
        tables.setdefault(section.metric, {}).update(section.values)
    rows = [("performance", "%s: %s %s" % (label, short(tables[table][metric], 60), unit))
            for table, metric, label, unit in _TOP_NUMBERS if tables.get(table, {}).get(metric)]
    return rows + [("performance", text) for text in _storageTexts(tables.get("StorageStatistics", {}))]


def _storageTexts(values):
    """
    Tell what was read and written through each protocol; a vector operation counts as one.

    The protocols are not added up: a lazy download reads through one and the copy through another, and ROOT's own
    count, tstoragefile, is of what passed through any of them.
    """
    totals = {}
    for name, value in values.items():
        parts = (name or "").split("-")
        if len(parts) != 4 or parts[0] != "Timing" or parts[2] not in ("read", "readv", "write", "writev"):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        total = totals.setdefault((parts[1], parts[2].rstrip("v")), {})
        total[parts[3]] = total.get(parts[3], 0) + number
    return [short("storage, %s: %s %.1f MB in %.0f operations, %.2f s" % (
        "ROOT's own count" if protocol == _ROOT else protocol, verb, total.get("totalMegabytes", 0),
        total["numOperations"], total.get("totalMsecs", 0) / 1000))
            for (protocol, verb), total in sorted(totals.items()) if total.get("numOperations")][:MANY]
