"""
Write `<step>-main.sh`, the shell script that runs cmsRun in its SCRAM environment.

The script outlives the job in the step's directory: with the command in its header it runs the step
again by hand (#11444).
"""
import os
import re
import shlex

import attr

SCRIPT_NAME = "%s-main.sh"
STATUS_NAME = "%s-status.json"

_HEADER = """#!/bin/bash
# Run the payload of step %(step)s in its SCRAM environment, as the job ran it.
#
# To run it again by hand, from a shell without the job's own python:
#   cd %(directory)s && /bin/bash %(script)s %(words)s
# That replaces the job report and the output files of the step. process.id and %(status)s
# tell of the latest run. Delete scramSession.sh to have SCRAM asked anew.
#
# Exit status: 70 wrong arguments, 71 no SCRAM project area, 72 the area cannot be entered, 73 no SCRAM runtime
# environment, else the status of the payload, 128 + N when signal N ended it. As cmsRun may end with 70 to 73
# itself (8006 to 8009 modulo 256), %(status)s names the stage the status comes from: a line
# for each stage while it runs, of which the last whole one holds, and one line in the end.
"""
_CHOICE = """#
# Executable: %s
"""
# What ends a line anywhere, what steers a terminal, and halves of characters, which no file takes.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_LINES, _MAX_LINE = 24, 400

# Names start with wm: the SCRAM environment and the set-up command share this shell with them.
_BODY = r"""
wmDirectory=$PWD
wmScript=${0##*/}
wmStatusFile=$wmDirectory/${wmScript%-main.sh}-status.json
wmHome=$wmDirectory
case $0 in */*) wmHome=${0%/*} ;; esac
wmStage=arguments
wmName=
wmPid=null

wmPrintStatus() {
    local name=${wmName//\\/\\\\}
    name=${name//\"/\\\"}
    name=${name//[[:cntrl:]]/?}
    printf '{"stage": "%s", "exitCode": %s, "signal": %s, "executable": "%s", "pid": %s}\n' \
        "$wmStage" "$1" "$2" "$name" "$wmPid"
}

wmStatusFailed() {
    echo "$wmScript: cannot write $wmStatusFile" >&2
}

wmAddStatus() {
    # A line more instead of a file renamed: bash does it without a program, and the lines before it stay true.
    wmPrintStatus null null >> "$wmStatusFile" || wmStatusFailed
}

wmEnter() {
    wmStage=$1
    wmAddStatus
}

# shellcheck disable=SC2317  # called by trap
wmFinish() {
    local code=$? signal=null
    trap - EXIT
    if [ "$wmStage" != payload ] && [ "$code" -eq 0 ]; then
        echo "$wmScript: ended during stage $wmStage, before the payload was started" >&2
        code=71
    fi
    if [ "$wmStage" = payload ] && [ "$code" -gt 128 ] && [ "$code" -le 192 ]; then
        signal=$((code - 128))
    fi
    # Between the release's libraries mv has to find the system's.
    if ! wmPrintStatus "$code" "$signal" > "$wmStatusFile.new" ||
       ! LD_LIBRARY_PATH='' LD_PRELOAD='' /bin/mv -fT -- "$wmStatusFile.new" "$wmStatusFile"
    then
        wmStatusFailed
    fi
    exit "$code"
}

wmFail() {
    echo "$wmScript: $2" >&2
    exit "$1"
}

# shellcheck disable=SC2317  # called by trap
wmForward() {
    wmInterrupted=yes
    if [ "$wmStage" = payload ] && [ -n "$!" ]; then
        kill -s "$1" "$!" 2>/dev/null
    else
        exit $((128 + $2))
    fi
}

wmUseSession() {
    local session=$wmHome/scramSession.sh
    [ -r "$session" ] || return 1
    # shellcheck disable=SC1090,SC2030
    if ! (. "$session" && [ "$SCRAM_SESSION_RELEASE" = "$wmRelease" ] &&
          [ "$SCRAM_SESSION_ARCH" = "$wmArch" ] && [ -d "$SCRAM_SESSION_AREA" ]) >/dev/null 2>&1
    then
        echo "$session is not for $wmRelease on $wmArch, or its area is gone: asking SCRAM"
        return 1
    fi
    # shellcheck disable=SC1090
    . "$session" || return 1
    echo "Using the SCRAM environment of $session"
}

wmAskScram() {
    # Without the perl modules of a site, which break SCRAM V2 (cmsdist#9361).
    # shellcheck disable=SC2086  # the command may bring options of its own
    PERL5LIB='' PERLLIB='' PERL5OPT='' $wmScram "$@"
}

trap wmFinish EXIT
trap 'wmForward INT 2' INT
trap 'wmForward USR2 12' USR2
trap 'wmForward TERM 15' TERM
# What an earlier run left is not true of this one.
true > "$wmStatusFile"
wmEnter arguments
if [ $# -lt 8 ]; then
    echo "Usage: $wmScript <SCRAM_SETUP> <SCRAM_ARCH> <SCRAM_COMMAND> <SCRAM_PROJECT> <CMSSW_VERSION>" \
         "<JOB_REPORT> <EXECUTABLE> <CONFIG> [arguments for cmsRun]" >&2
    exit 70
fi
wmSetup=$1 wmArch=$2 wmScram=$3 wmProject=$4 wmRelease=$5 wmReport=$6 wmName=$7 wmConfig=$8
wmArguments=("${@:9}")
# A file sourced by the set-up must not take these arguments for its own.
set --

echo "Beginning CMSSW wrapper script"
# Not in a function: what the set-up declares would end with it.
if ! wmUseSession; then
    wmEnter setup
    echo "Performing SCRAM setup..."
    # The set-up is a piece of shell text, as Tools/Scram runs it too. SCRAM itself tells whether it sufficed.
    eval "$wmSetup" || echo "$wmScript: the SCRAM setup ended with status $?: $wmSetup" >&2
    [ -z "$wmArch" ] || export SCRAM_ARCH=$wmArch
    wmEnter project
    echo "Retrieving SCRAM project..."
    wmAskScram project "$wmProject" "$wmRelease" || wmFail 71 "$wmScram project $wmProject $wmRelease ended with status $?"
    wmEnter enter
    cd -- "$wmRelease" || wmFail 72 "cannot enter $PWD/$wmRelease"
    wmEnter runtime
    wmText=$(wmAskScram runtime -sh) || wmFail 73 "$wmScram runtime -sh ended with status $?"
    eval "$wmText" || wmFail 73 "what $wmScram runtime -sh printed cannot be evaluated"
    cd -- "$wmDirectory" || wmFail 72 "cannot go back to $wmDirectory"
    echo "Completed SCRAM project"
fi
[ -z "$wmArch" ] || export SCRAM_ARCH=$wmArch
export FRONTIER_LOG_LEVEL=warning

wmPayload=("$wmName")
# Unless it names a program as a whole, it may bring options of its own; quotes mean nothing here.
type -- "$wmName" >/dev/null 2>&1 || IFS=$' \t\n' read -r -d '' -a wmPayload <<< "$wmName"
wmPayload+=(-j "$wmReport" "$wmConfig" "${wmArguments[@]}")
wmEnter payload
echo "Executing CMSSW"
printf '%q ' "${wmPayload[@]}"
echo
# bash has a background command ignore SIGINT; reset here, so that all three can be forwarded.
(trap - INT TERM USR2; exec "${wmPayload[@]}") 2>&1 &
wmPid=$!
echo "$wmPid" > process.id
wmAddStatus
# wait also returns when a signal has been forwarded; the payload's own status comes with a later call.
wmInterrupted=yes
while [ -n "$wmInterrupted" ]; do
    wmInterrupted=
    wait "$wmPid"
    wmCode=$?
done
echo "Complete"
echo "process id is $wmPid status is $wmCode"
exit "$wmCode"
"""


@attr.s(frozen=True)
class MainArguments(object):
    """
    Hold the arguments of `<step>-main.sh`, in their order.

    :param setup: str, shell text to run before SCRAM; may be empty
    :param arch: str, scram arch; None or empty to let SCRAM choose
    :param scramCommand: str, the command SCRAM is called by
    :param project: str, the SCRAM project, CMSSW
    :param release: str, name of the release
    :param jobReport: str, the XML file cmsRun is to write
    :param executable: str, cmsRun
    :param configuration: str, the configuration cmsRun is to read
    :param extra: tuple of str, further arguments for cmsRun
    """
    setup = attr.ib()
    arch = attr.ib()
    scramCommand = attr.ib()
    project = attr.ib()
    release = attr.ib()
    jobReport = attr.ib()
    executable = attr.ib()
    configuration = attr.ib()
    extra = attr.ib(default=(), converter=tuple)

    def words(self):
        """
        Give the arguments as a list of str.

        :return: list of str
        """
        first = [self.setup or "", self.arch or "", self.scramCommand, self.project, self.release, self.jobReport,
                 self.executable, self.configuration]
        return [str(word) for word in first + list(self.extra)]


def extraArguments(value):
    """
    Split what a step holds as arguments for cmsRun into words.

    :param value: str as it would be typed in a shell, list of str, or None
    :return: tuple of str
    :raises ValueError: when a quotation in the text is not closed
    """
    if isinstance(value, str):
        return tuple(shlex.split(value))
    return tuple(str(word) for word in value or ())


def _quoted(word):
    """Quote a word for bash on one line: the header is made of comments, a line end would leave them."""
    if not any(ord(char) < 32 or ord(char) == 127 for char in word):
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return "$'%s'" % "".join("\\%03o" % ord(char) if ord(char) < 32 or ord(char) == 127 else char
                             for char in escaped)


def _remarks(lines):
    """Compose the comment about the executable; whatever a line holds, it stays a comment."""
    shown = [_UNSHOWN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), line[:_MAX_LINE])
             + " ..." * (len(line) > _MAX_LINE) for line in lines[:_MAX_LINES]]
    if len(lines) > _MAX_LINES:
        shown.append("and %d more lines, in the job's log" % (len(lines) - _MAX_LINES))
    return _CHOICE % "\n#   ".join(shown) if shown else ""


def mainScript(stepName, directory, arguments, remarks=()):
    """
    Compose the text of the script.

    :param stepName: str
    :param directory: str, the step's directory
    :param arguments: MainArguments, for the command in the header
    :param remarks: list of str, ExecutableChoice.describe(), for a comment in the header
    :return: str
    """
    header = _HEADER % {"step": _quoted(stepName), "directory": _quoted(directory),
                        "script": _quoted(SCRIPT_NAME % stepName), "status": _quoted(STATUS_NAME % stepName),
                        "words": " ".join(_quoted(word) for word in arguments.words())}
    return header + _remarks(remarks) + _BODY


def writeMainScript(stepName, directory, arguments, remarks=()):
    """
    Write the script into the step's directory.

    :param stepName: str
    :param directory: str, the step's directory
    :param arguments: MainArguments
    :param remarks: list of str, see mainScript
    :return: str, the script's path
    :raises OSError: when it cannot be written
    """
    path = os.path.join(directory, SCRIPT_NAME % stepName)
    with open(path + ".new", "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write(mainScript(stepName, directory, arguments, remarks))
    os.rename(path + ".new", path)
    return path
