#!/bin/bash
#
# submit_py3.sh SANDBOX JOB_INDEX RETRY_COUNT
#
# The executable HTCondor starts for a WMAgent job. It loads the CMS environment, finds a python, unpacks the
# sandbox, runs Startup.py and leaves Report.<retry>.pkl and wmagentJob.log in the start directory, whatever
# happens. Arguments, files, exit codes and environment: docs/wrapper.md. To read it, begin at the end, at wma_main.
#
# Other wrappers may source this file for its functions (#10257, #11104): that defines functions whose names begin
# with wma_ and does nothing else. It has to run under bash 4.2 (RHEL7), with coreutils and nothing more. Functions on
# the stack while a child runs name local variables wma...: another could be an exported one, and hide it from the child.

# What the site's or the pilot's shell left must not change this script. Not when it is sourced: only then return works
# (`bash -c '. "$0"' submit_py3.sh` sources it too). Below POSIXLY_CORRECT no function goes before return, set, unset.
if [[ ${BASH_SOURCE[0]} == "$0" ]] && ! (POSIXLY_CORRECT=1; return 0) 2> /dev/null; then
    POSIXLY_CORRECT=1 && unset -f unset set compgen
    set +aekuC -f +o pipefail +o posix # bash 4.2 reads no <( ) in posix mode
    # shellcheck disable=SC2046
    unset -f -- $(compgen -A function)
    set +f && shopt -u nullglob failglob dotglob nocaseglob nocasematch expand_aliases
    export -n SHELLOPTS BASHOPTS
    unset GLOBIGNORE CDPATH BASH_ENV ENV POSIXLY_CORRECT TMOUT
fi

# ---- Messages ------------------------------------------------------------------------------------------------

wma_log() {
    # wma_log INFO|WARNING|ERROR TEXT: print TEXT, and keep it in wmagentJob.log in the form of Startup's records.
    if [[ $1 == INFO ]]; then
        printf '%s\n' "$2"
    else
        printf '%s: %s\n' "$1" "$2" >&2
    fi
    [[ -n ${WMA_LOG:-} ]] || return 0
    { printf '%(%Y-%m-%d %H:%M:%S)T,000:%s:submit_py3:%s\n' -1 "$1" "$2" >> "$WMA_LOG"; } 2> /dev/null
    return 0
}

wma_mark() {
    # wma_mark NAME WHAT: mark the way of the job through the wrapper.
    # bash 4.2 obeys a TZ only when it is exported before it is set
    wma_log INFO "======== $1 $2 at $(export TZ; LC_ALL=C TZ=UTC0
        printf '%(%a %b %d %H:%M:%S UTC %Y)T' -1) ========"
}

wma_station() {
    # wma_station NAME COMMAND...: run COMMAND between two marks.
    wma_mark "$1" STARTING
    "${@:2}" && wma_mark "$1" FINISHED && return 0
    wma_mark "$1" FAILED
    return 1
}

wma_write() {
    # wma_write FILE COMMAND...: write what COMMAND prints under a temporary name, then rename it.
    local wmaTemporary="$1.tmp.$$"
    { "${@:2}" > "$wmaTemporary"; } 2> /dev/null && mv -fT -- "$wmaTemporary" "$1" && return 0
    rm -f -- "$wmaTemporary" 2> /dev/null
    wma_log WARNING "cannot write $1: is the directory writable, and is there space on the disk?"
    return 1
}

# ---- The report, written by bash alone: it has to exist when there is no python ------------------------------

wma_pickle_text() {
    # wma_pickle_text TEXT: TEXT as a string of pickle protocol 0. What is not ASCII becomes "?": a report with
    # undecodable text is lost (#10151).
    local LC_ALL=C text=$1
    local backslash=$'\\' tab=$'\t' newline=$'\n' asBackslash='\u005c' asTab='\u0009' asNewline='\u000a'
    text=${text//"$backslash"/"$asBackslash"}
    text=${text//"$tab"/"$asTab"}
    text=${text//"$newline"/"$asNewline"}
    printf 'V%s\n' "${text//[! -~]/?}"
}

wma_pickle_section() {
    # wma_pickle_section NUMBER PARENT NAME [ATTRIBUTE VALUE]...: make a WMCore ConfigSection, put it in the memo under
    # NUMBER and give it to the section PARENT (none: ""). A VALUE is a pickle, or "" where a section follows.
    local number=$1 parent=$2 name=$3 names="" children="" values="" set=$'c__builtin__\nset\n((l'
    shift 3
    while (($# > 0)); do
        names+="V$1"$'\n'a
        [[ -z $2 ]] || values+="V$1"$'\n'"${2}s"
        [[ -n $2 ]] || children+="V$1"$'\n'a
        shift 2
    done
    printf 'ccopy_reg\n_reconstructor\n(cWMCore.Configuration\nConfigSection\nc__builtin__\nobject\nNtRp%s\n' "$number"
    printf '(dV_internal_documentation\nV\nsV_internal_docstrings\n(dsV_internal_skipChecks\nI00\ns'
    printf 'V_internal_name\nV%s\nsV_internal_settings\n%s%stRs' "$name" "$set" "$names"
    printf 'V_internal_children\n%s%stRs%sV_internal_parent_ref\n' "$set" "$children" "$values"
    [[ -z $parent ]] || printf 'g%s\nsb0g%s\n(dV%s\ng%s\nsb0' "$parent" "$parent" "$name" "$number"
    [[ -n $parent ]] || printf 'Nsb0'
}

wma_report_pickle() {
    # wma_report_pickle CODE TYPE DETAILS: print the pickle of WMCore's Report().data after addError to the step
    # CRITICAL: each section that readers expect in a step.
    local end=$'\n' name number=20 site=()
    [[ -z ${WMA_SITE_NAME:-} ]] || site=(siteName "$(wma_pickle_text "$WMA_SITE_NAME")$end")
    wma_pickle_section 0 "" FrameworkJobReport steps "(lVCRITICAL${end}a" workload "VUnknown$end" completed "I00$end" \
        hostName "$(wma_pickle_text "${HOSTNAME:-unknown}")$end" ${site[@]+"${site[@]}"} CRITICAL ""
    wma_pickle_section 1 0 CRITICAL id N status "I$1$end" outputModules "(l" site "" output "" input "" performance "" \
        analysis "" errors "" skipped "" fallback "" parameters "" logs "" cleanup ""
    for name in site output input performance parameters logs; do
        wma_pickle_section "$((number++))" 1 "$name"
    done
    wma_pickle_section 2 1 errors errorCount "I1$end" error0 ""
    wma_pickle_section 3 2 error0 exitCode "I$1$end" type "$(wma_pickle_text "$2")$end" \
        details "$(wma_pickle_text "$3")$end"
    wma_pickle_section 4 1 analysis files ""
    wma_pickle_section 5 4 files fileCount "I0$end"
    wma_pickle_section 6 1 fallback files ""
    wma_pickle_section 7 6 files fileCount "I0$end"
    wma_pickle_section 8 1 skipped events "" files ""
    wma_pickle_section 9 8 events
    wma_pickle_section 10 8 files fileCount "I0$end"
    wma_pickle_section 11 1 cleanup removed "" unremoved ""
    wma_pickle_section 12 11 removed fileCount "I0$end"
    wma_pickle_section 13 11 unremoved
    printf 'g0\n.'
}

wma_write_report() {
    # wma_write_report FILE CODE TYPE DETAILS: write a report with one error.
    WMA_REPORT_TEXT=$(wma_report_pickle "${@:2}")
    wma_write "$1" printf %s "$WMA_REPORT_TEXT"
}

wma_report_is_ours() {
    # True when the job's report is what wma_write_report wrote last.
    local LC_ALL=C text=""
    { IFS= read -r -d '' text < "$WMA_REPORT"; } 2> /dev/null # to its end, or its first NUL: ours has none
    [[ $text == "$WMA_REPORT_TEXT" ]]
}

wma_fail() {
    # wma_fail CODE TYPE MESSAGE: say why the job cannot go on, write the report, return 1. After a signal that is
    # the reason, whatever failed. WMA_CODE keeps the whole code: the process status has room for 8 bits only.
    local code=$1 type=$2 message=$3
    WMA_CODE=$1
    if [[ -n ${WMA_SIGNAL:-} ]]; then
        code=50669 type=StoppedBySignal WMA_CODE=$WMA_SIGNAL_STATUS
        message="the job was stopped by SIG$WMA_SIGNAL after $SECONDS s: $message"
    fi
    wma_log ERROR "$message [exit code $code $type, seen by the batch system as $((WMA_CODE & 255))]"
    [[ -z ${WMA_REPORT:-} ]] || wma_write_report "$WMA_REPORT" "$code" "$type" "$message"
    return 1
}

# ---- Children and signals ------------------------------------------------------------------------------------

wma_trap_signals() {
    # Let a signal that ends a job be passed on by wma_run_child.
    trap 'wma_on_signal TERM 143' TERM
    trap 'wma_on_signal INT 130' INT
    trap 'wma_on_signal HUP 129' HUP
}

wma_on_signal() {
    # wma_on_signal NAME STATUS: note the first signal and pass it on; later ones change nothing.
    [[ -z ${WMA_SIGNAL:-} ]] || return 0
    WMA_SIGNAL=$1 WMA_SIGNAL_STATUS=$2
    wma_log WARNING "SIG$1 received: stopping the job"
    [[ -z ${WMA_CHILD:-} ]] || kill -s "$1" "$WMA_CHILD" 2> /dev/null
}

wma_kill_tree() {
    # wma_kill_tree PID: kill PID and all below it. A payload has a session of its own: no process group reaches it.
    local file text parent
    for file in /proc/[0-9]*/stat; do
        { IFS= read -r text < "$file"; } 2> /dev/null || continue
        read -r _ parent _ <<< "${text##*) }" # the program's name before it may hold blanks and brackets
        [[ $parent != "$1" ]] || wma_kill_tree "${text%% *}"
    done
    kill -s KILL "$1" 2> /dev/null
}

wma_stop_child() {
    # Give the child, which got a signal, WMA_STOP_GRACE_SECS to end; then kill it with all below it.
    local wmaDeadline=$((SECONDS + ${WMA_STOP_GRACE_SECS:-60}))
    kill -s CONT "$WMA_CHILD" 2> /dev/null
    while kill -0 "$WMA_CHILD" 2> /dev/null; do
        if ((SECONDS >= wmaDeadline)); then
            wma_log WARNING "process $WMA_CHILD is there ${WMA_STOP_GRACE_SECS:-60} s after SIG$WMA_SIGNAL: killing it"
            wma_kill_tree "$WMA_CHILD"
            break
        fi
        sleep 0.2
    done
    wait "$WMA_CHILD" 2> /dev/null
    WMA_STATUS=$?
}

wma_stop_steps() {
    # Stop the payloads that a Startup which was killed left behind. process.id names cmsRun; its process group holds
    # main.sh as well. A number may belong to another process by now: only one below the start directory is ours.
    local file text groups=() signal tries
    for file in "$WMAGENTJOBDIR"/WMTaskSpace/*/process.id; do
        { read -r text < "$file"; } 2> /dev/null
        [[ $text =~ ^[1-9][0-9]*$ && -d /proc/$text ]] || continue
        [[ $(readlink -f -- "/proc/$text/cwd") == "$(readlink -f -- "$JOBSTARTDIR")"/* ]] || continue
        # behind the name in brackets: the state, the parent, the group
        { IFS= read -r -d '' text < "/proc/$text/stat"; } 2> /dev/null
        [[ ! ${text##*)} =~ ^\ [A-Za-z]\ [0-9]+\ ([2-9]|[1-9][0-9]+)\  ]] || groups+=("-${BASH_REMATCH[1]}")
    done
    for signal in ${groups[@]+TERM KILL}; do
        wma_log WARNING "Startup.py has ended and left steps running: SIG$signal to the process group(s) ${groups[*]#-}"
        kill -s "$signal" -- "${groups[@]}" 2> /dev/null && kill -s CONT -- "${groups[@]}" 2> /dev/null
        for ((tries = 0; tries < 50; tries++)); do
            kill -s 0 -- "${groups[@]}" 2> /dev/null || return 0
            sleep 0.2
        done
    done
}

wma_run_child() {
    # wma_run_child COMMAND...: run COMMAND so that a signal to us is passed on at once. Its status is returned, and
    # kept in WMA_STATUS. After a signal nothing is started any more.
    WMA_STATUS=${WMA_SIGNAL_STATUS:-0}
    [[ -z ${WMA_SIGNAL:-} ]] || return "$WMA_STATUS"
    set -m # a process group of its own, and SIGINT not ignored
    "$@" < /dev/null &
    WMA_CHILD=$!
    set +m
    if [[ -z ${WMA_SIGNAL:-} ]]; then
        wait "$WMA_CHILD"
        WMA_STATUS=$?
    else # it came before WMA_CHILD was set; HTCondor signals all processes by itself, so twice does no harm
        kill -s "$WMA_SIGNAL" "$WMA_CHILD" 2> /dev/null
    fi
    [[ -z ${WMA_SIGNAL:-} ]] || wma_stop_child
    WMA_CHILD=""
    return "$WMA_STATUS"
}

# ---- Environment: saved, taken over, and shown without secrets -----------------------------------------------

wma_environment_script() {
    # Print the exported variables as bash commands, one line each, whatever bytes the values hold. Exported functions
    # are not in it (they made the rest of the file unreadable), nor bash's readonly variables (CRABServer #5327), nor
    # what describes this very shell.
    local wmaName
    for wmaName in $(compgen -e); do
        [[ -z ${!wmaName+set} || $wmaName =~ ^(_|PWD|OLDPWD|SHLVL|BASHOPTS|SHELLOPTS|BASH_VERSINFO|EUID|PPID|UID)$ ]] ||
            printf 'export %s=%q\n' "$wmaName" "${!wmaName}"
    done
}

wma_save_environment() {
    # wma_save_environment FILE: keep the start environment for gfal and others that must not see ours (#8641, #8702).
    (umask 077 && wma_write "$1" wma_environment_script) # it can hold credentials
}

wma_masked() {
    # Pass on NAME=VALUE lines (of a job ad, of wma_environment_script), secret values masked. A job ad's Environment
    # repeats all variables in one line, where no value can be masked reliably.
    local line name secret='TOKEN|PROXY|PASS|SECRET|CRED|CLAIMID|CAPABILITY|TRANSFERKEY|^_CONDOR_PRIV|^ENV(IRONMENT)?$'
    while IFS= read -r line || [[ -n $line ]]; do
        line=${line#export }
        name=${line%%=*}
        name=${name//[[:space:]]/}
        [[ ! ${name^^} =~ $secret ]] || line="$name = (not shown)"
        printf '  %s\n' "$line"
    done
}

wma_calm() {
    # Take back what a sourced file did to this shell: options, functions in place of commands, PYTHONHOME, which is no
    # area's to set: it reaches scram and every other python (#10765). Below POSIXLY_CORRECT no function goes before unset.
    local wmaName
    POSIXLY_CORRECT=1
    unset -f unset set trap
    set +aefukC +o pipefail
    trap - EXIT ERR DEBUG
    unset POSIXLY_CORRECT
    IFS=$' \t\n'
    unset -f builtin
    for wmaName in $(builtin compgen -A function); do
        [[ $wmaName == wma_* ]] || unset -f "$wmaName"
    done
    [[ -z $wmaPython || -z ${PYTHONHOME:-} ]] || printf 'PYTHONHOME=%s dropped\n' "$PYTHONHOME"
    [[ -z $wmaPython ]] || unset PYTHONHOME PYTHONINSPECT PYTHONWARNINGS PYTHONSTARTUP PYTHONOPTIMIZE
}

wma_private() {
    # wma_private FILE...: make each an empty file of its owner's.
    (umask 077 && for wmaFile in "$@"; do : > "$wmaFile" || exit; done)
}

wma_source_apart() {
    # wma_source_apart SCRATCH PYTHON FILE EXTRA: the part of wma_load that runs in a bash of its own. What is kept is
    # SCRATCH.environment. PYTHON and mv show that it leaves the system's programs as they were: both are needed later.
    local wmaScratch=$1 wmaPython=$2 wmaFile=$3 wmaExtra=$4 wmaBefore wmaName wmaCheck
    wmaBefore=$(compgen -e)
    exec >> "$wmaScratch.output" 2>&1
    ulimit -S -f 32768 # KiB: what prints without end must not fill the disk
    set --
    if [[ -n $wmaFile ]]; then
        # shellcheck disable=SC1090
        . "$wmaFile" || : # after || a `set -e` in it ends nothing
        wma_calm
    fi
    wmaCheck=$(wma_python_check)
    if [[ -n $wmaExtra ]]; then
        wma_private "$wmaScratch.extra" || return
        exec >> "$wmaScratch.extra" 2>&1
        # shellcheck disable=SC1090
        . "$wmaExtra" || :
        wma_calm
        wmaCheck+=$'\n'$(wma_future_check)
    fi
    for wmaName in $wmaBefore; do
        [[ -n ${!wmaName+set} ]] || printf 'unset %s\n' "$wmaName"
    done > "$wmaScratch.new"
    wma_environment_script >> "$wmaScratch.new" || return
    [[ -z $wmaPython ]] || "$wmaPython" -c "$wmaCheck" "${wmaExtra%/etc/profile.d/init.sh}" >> "$wmaScratch.output" || return
    if ! type -P timeout > /dev/null; then
        printf 'timeout: not found, PATH is %s\n' "${PATH:-}"
        return 127
    fi
    mv -f -- "$wmaScratch.new" "$wmaScratch.environment"
}

wma_last_lines() {
    # wma_last_lines FILE: print its last lines as one.
    local LC_ALL=C text="" line last="" count=0
    if { IFS= read -r -d '' -n 4096 text < "$1"; } 2> /dev/null; then # long, or there is a NUL in it
        text=$(tail -n 6 -- "$1" 2> /dev/null | cut -c -500 | tr -d '\0')
    fi
    text=$'\n'$text
    while [[ $text == *$'\n'* ]] && ((count < 6)); do
        line=${text##*$'\n'} text=${text%$'\n'*}
        [[ -z $line ]] || last="${line:0:500}|$last" count=$((count + 1))
    done
    printf '%s' "${last%|}"
}

wma_run_apart() {
    # wma_run_apart SECONDS PYTHON FILE EXTRA: run wma_source_apart; true when it has left an environment.
    wma_private "$wmaScratch.new" "$wmaScratch.output" 2> /dev/null || return
    wma_run_child timeout -k 10 "$1" bash --noprofile --norc -c "$(declare -f wma_environment_script wma_python_check \
        wma_future_check wma_calm wma_private wma_source_apart)
        wma_source_apart \"\$@\"" wma "$wmaScratch" "${@:2}"
    WMA_ANSWER=$(wma_last_lines "$wmaScratch.output")
    [[ -f $wmaScratch.environment && -z ${WMA_SIGNAL:-} ]]
}

wma_load() {
    # wma_load SECONDS PYTHON [FILE [EXTRA]]: source FILE, start PYTHON (unless it is "") in its environment, and take
    # the environment over when that works; with that of EXTRA, a py3-future, on top when PYTHON can use it. WMA_ANSWER
    # holds the last lines printed. It happens in a process of its own because the files lie on a network: they can
    # hang, end the shell or change its options, not this one's.
    local wmaScratch=$PWD/.wma.$$-$RANDOM-$SECONDS wmaWhy=""
    WMA_STATUS=1 WMA_ANSWER="cannot write in $PWD"
    if ! wma_run_apart "$1" "$2" "${3:-}" "${4:-}" && [[ -f $wmaScratch.extra && -z ${WMA_SIGNAL:-} ]]; then
        wmaWhy="$4 is left out: $(wma_last_lines "$wmaScratch.extra") (status $WMA_STATUS)"
        wma_run_apart "$1" "$2" "$3" ""
    fi
    if [[ -f $wmaScratch.environment && -z ${WMA_SIGNAL:-} ]]; then
        [[ -z $wmaWhy ]] || wma_log WARNING "$wmaWhy"
        WMA_STATUS=0
        # shellcheck disable=SC1090
        . "$wmaScratch.environment"
    elif ((WMA_STATUS == 0)); then
        WMA_STATUS=1 WMA_ANSWER+=" (it ended the shell)"
    else
        WMA_ANSWER+=" (status $WMA_STATUS; 124: not done after $1 s)"
    fi
    rm -f -- "$wmaScratch".{new,output,extra,environment}
    return "$WMA_STATUS"
}

wma_describe_node() {
    # Print where the job has landed and the job ClassAd HTCondor gave us; note the site.
    local ad=${_CONDOR_JOB_AD:-} text kernel=() name value
    local pattern=$'(^|\n)MachineAttrGLIDEIN_CMSSite0[[:space:]]*=[[:space:]]*"([A-Za-z0-9_]+)"'
    for name in ostype hostname osrelease version; do
        value=""
        { IFS= read -r value < "/proc/sys/kernel/$name"; } 2> /dev/null
        kernel+=("$value")
    done
    # The node's full name, which only DNS knows, comes into the log when cmsRun is started.
    value=${kernel[1]:-${HOSTNAME:-unknown}}
    printf '%s\n' "User id:    $EUID ${USER:-}, groups ${GROUPS[*]}" "Local time: $(printf '%(%a %b %d %H:%M:%S %Z %Y)T' -1)" \
        "System:     ${kernel[*]} $(wma_machine)" "Hostname:   $value" \
        "Shell:      bash $BASH_VERSION" "Start dir:  $PWD" "Job ad:     ${ad:-none}"
    [[ -r $ad ]] || return 0
    { text=$(< "$ad"); } 2> /dev/null
    [[ ! $text =~ $pattern ]] || WMA_SITE_NAME=${BASH_REMATCH[2]}
    printf '%s\n' "Site name:  ${WMA_SITE_NAME:-unknown}"
    wma_station "HTCondor jobAds" wma_masked < <(LC_ALL=C sort -- "$ad")
}

# ---- Stations of the bootstrap -------------------------------------------------------------------------------

wma_unique() {
    # wma_unique TEXT...: print each TEXT on a line, once, none that is empty.
    local text seen=$'\n'
    for text in "$@"; do
        [[ -n $text && $seen != *$'\n'"$text"$'\n'* ]] || continue
        seen+="$text"$'\n'
        printf '%s\n' "$text"
    done
}

wma_cms_roots() {
    # Print the directories that may hold the CMS software on this node, best first.
    wma_unique "${VO_CMS_SW_DIR:-}" "${OSG_APP:+$OSG_APP/cmssoft/cms}" "${CVMFS:-}" "${CVMFS:+$CVMFS/cms.cern.ch}" \
        "${WMRUNTIME_CVMFS_ROOT:-/cvmfs/cms.cern.ch}"
}

wma_load_cms() {
    # Take over the environment of the first cmsset_default.sh that works. Status 1, reported: none does.
    local wmaRoot wmaTried=""
    while IFS= read -r wmaRoot; do
        WMA_ANSWER="not there"
        if [[ -f $wmaRoot/cmsset_default.sh ]] &&
                wma_load "${WMA_CMSSET_TIMEOUT_SECS:-300}" "" "$wmaRoot/cmsset_default.sh"; then
            wma_log INFO "CMS environment: $wmaRoot/cmsset_default.sh"
            [[ -n ${VO_CMS_SW_DIR:-}${OSG_APP:-}${CVMFS:-} ]] || export CVMFS=$wmaRoot
            return 0
        fi
        wmaTried+=$'\n'"  $wmaRoot/cmsset_default.sh: $WMA_ANSWER"
    done < <(wma_cms_roots)
    wma_fail 11003 NoCmssetDefault "found no usable cmsset_default.sh: is CVMFS mounted on this node? Tried:$wmaTried"
}

wma_container_os() {
    # Print the Red Hat family system we run in, as rhelN; nothing when it is another, or older than rhel6.
    # WMRUNTIME_OS_RELEASE names another os-release file (for tests). rpm is not asked: it is not always there, and its
    # %rhel may be empty. ID_LIKE is not asked: Amazon Linux names centos there, and has numbers of its own.
    local file=${WMRUNTIME_OS_RELEASE:-/etc/os-release} family='(rhel|centos|scientific|almalinux|rocky|ol)'
    local line=$'(^|\n)' quote="[\"']?" digits='0*([1-9][0-9]?)([^0-9]|$)' text number=""
    { text=$(< "$file"); } 2> /dev/null
    if [[ $text =~ ${line}PLATFORM_ID=${quote}platform:el$digits ]]; then
        number=${BASH_REMATCH[2]}
    elif [[ $text =~ ${line}ID=$quote$family$quote($'\n'|$) && $text =~ ${line}VERSION_ID=$quote$digits ]]; then
        number=${BASH_REMATCH[2]}
    elif [[ -z $text ]]; then # RHEL6 has no os-release
        [[ $file == */* ]] || file=./$file
        { text=$(< "${file%/*}/redhat-release"); } 2> /dev/null
        [[ $text == Fedora* || ! $text =~ \ release\ $digits ]] || number=${BASH_REMATCH[1]}
    fi
    ((${number:-0} < 6)) || printf 'rhel%d\n' "$number"
}

wma_comp_areas() {
    # wma_comp_areas REQUIRED_OS CONTAINER_OS: print the systems whose COMP area may do, best first. Those required,
    # of a list the container's own first: its libraries must fit the system (#11893); then the container's, then
    # older ones, whose programs run on newer systems as a rule (rhel10 has no area yet).
    local name number required=() first="" areas=()
    [[ ",${1// /}," == *,any,* ]] || read -r -a required <<< "${1//,/ }"
    for name in ${required[@]+"${required[@]}"}; do
        if [[ ! $name =~ ^rhel[1-9][0-9]?$ ]]; then # it becomes part of a path; rpm without its macros gave "rhel"
            wma_log WARNING "REQUIRED_OS holds '$name', which is no name of a system: ignored"
        elif [[ $name == "$2" ]]; then
            first=$name
        else
            areas+=("$name")
        fi
    done
    for ((number = 10#0${2#rhel}; number >= 6; number--)); do
        areas+=("rhel$number")
    done
    [[ -n $2 ]] || areas+=(rhel8 rhel9 rhel7 rhel6)
    wma_unique "$first" "${areas[@]}"
}

wma_area_paths() {
    # Print the directories of a root that hold areas, best first: the one made for this runtime (#11699), then that of
    # the CMS services. Environment/requirements.cfg says the same.
    printf '%s\n' WMRuntime COMP
}

wma_machine() {
    # Print the CPU as uname -m does. bash knows what it was made for, by a name that differs for others (powerpc64le).
    case ${BASH_VERSINFO[5]} in
        x86_64-* | aarch64-*) printf '%s\n' "${BASH_VERSINFO[5]%%-*}" ;;
        *) uname -m ;;
    esac
}

wma_comp_directories() {
    # Print the directories that may hold a python, best first.
    local container system path root machine
    container=$(wma_container_os)
    machine=$(wma_machine)
    wma_log INFO "REQUIRED_OS=${REQUIRED_OS:-(not set)}, container runs ${container:-an unknown system}" >&2
    while IFS= read -r system; do
        while IFS= read -r path; do
            while IFS= read -r root; do
                printf '%s\n' "$root/$path/${system}_$machine/external"
            done < <(wma_cms_roots)
        done < <(wma_area_paths)
    done < <(wma_comp_areas "${REQUIRED_OS:-any}" "$container")
}

wma_why_no_directory() {
    # wma_why_no_directory PATH: say why PATH is no directory that can be read; nothing when it is one. What is above it
    # may be a link that leads nowhere, or a file.
    local path=$1
    while [[ -n $path && ! -e $path && ! -L $path ]]; do
        path=${path%/*}
    done
    if [[ -d $1 ]]; then
        [[ -r $1 && -x $1 ]] || printf '%s: it may not be read' "$1"
    elif [[ -z $path || -d $path ]]; then
        printf '%s: no such directory' "$1"
    elif [[ -L $path ]]; then
        printf '%s: a link to %s, which leads nowhere' "$path" "$(readlink -- "$path")"
    else
        printf '%s: it is no directory' "$path"
    fi
}

wma_versions() {
    # wma_versions DIRECTORY: print the versions there, newest first. When they were written does not count: a release
    # manager's touch must not change what jobs run on (#10641).
    local path name versions=()
    for path in "$1"/[0-9]*; do
        name=${path##*/}
        if [[ ! -e $path && ! -L $path ]]; then
            continue
        elif [[ $name =~ ^[A-Za-z0-9._+-]+$ ]]; then
            versions+=("$name")
        else
            wma_log WARNING "$1 holds $(printf '%q' "$name"), which is no name of a version: ignored"
        fi
    done
    if ((${#versions[@]} > 1)); then
        printf '%s\n' "${versions[@]}" | LC_ALL=C sort -rV
    else
        printf '%s' ${versions[@]+"${versions[@]}"$'\n'}
    fi
}

wma_default() {
    # wma_default DIRECTORY: print the version its file `default` names. With it a version that is published changes
    # nothing by itself (#10642).
    local LC_ALL=C name=""
    [[ -e $1/default || -L $1/default ]] || return 0
    if [[ -f $1/default ]] && { IFS= read -r -d '' -n 200 name < "$1/default"; } 2> /dev/null; then
        ((${#name} == 200)) || name+='?' # it ends at a NUL
    fi
    while [[ $name == *$'\n' ]]; do
        name=${name%?}
    done
    if [[ ${name:-} =~ ^[0-9][A-Za-z0-9._+-]*$ && -d $1/$name ]]; then
        printf '%s\n' "$name"
    else
        wma_log WARNING "$1/default names $(printf '%q' "${name:-nothing}"), which is no version there: taking the newest"
    fi
}

wma_candidates() {
    # wma_candidates DIRECTORY: print the versions to try, the default first, then the newest first.
    local default versions
    default=$(wma_default "$1")
    mapfile -t versions < <(wma_versions "$1")
    wma_unique "$default" ${versions[@]+"${versions[@]}"}
}

wma_python_check() {
    # Print the program that tells a python that can run a job: 3.6 or later, with what Unpacker and Startup import.
    printf '%s\n' 'import sys' \
        'if sys.version_info < (3, 6): sys.exit("python %d.%d found, 3.6 or later needed" % sys.version_info[:2])' \
        'import bz2, encodings.utf_8, getopt, hashlib, logging, pickle, subprocess, tarfile, zipfile' \
        'print("python %d.%d.%d" % sys.version_info[:3])'
}

wma_future_check() {
    # Print the program that tells whether the py3-future of a directory is for this python: one for another is of no
    # use (#11401), and one older than 0.18.3 imports imp, which python 3.12 does not have.
    printf '%s\n' 'import os, sys
top, name = os.path.realpath(sys.argv[1]) + os.sep, "python%d.%d" % sys.version_info[:2]
added = [os.path.realpath(entry) for entry in sys.path if os.path.realpath(entry).startswith(top)]
if not any(name in entry.split(os.sep) for entry in added):
    sys.exit("it has nothing for %s: %s" % (name, added or "no entry of PYTHONPATH"))
import future.standard_library, future.utils, past.builtins'
}

wma_future() {
    # wma_future EXTERNAL: print the init.sh of the newest py3-future there, if there is one.
    local version
    while IFS= read -r version; do
        [[ -f $1/py3-future/$version/etc/profile.d/init.sh ]] || continue
        printf '%s\n' "$1/py3-future/$version/etc/profile.d/init.sh"
        return 0
    done < <(wma_versions "$1/py3-future")
}

wma_real() {
    # wma_real DIRECTORY: print where it really is.
    (cd -P -- "$1" 2> /dev/null && printf '%s\n' "$PWD") || printf '%s\n' "$1"
}

wma_try_version() {
    # wma_try_version EXTERNAL VERSION: take over a python of an area, with py3-future where there is one that fits. It
    # is the version's own bin/python3, not what else the PATH has, and named by where the area's link leads now: a
    # running job must not load modules from the area that is put in its place.
    local wmaReal wmaTop wmaInit
    wmaReal=$(wma_real "$1")
    wmaTop=$wmaReal/python3/$2
    wmaInit=$wmaTop/etc/profile.d/init.sh
    WMA_ANSWER="$wmaInit: it is not there, or may not be read"
    [[ -f $wmaInit && -r $wmaInit ]] || return
    wma_load "${WMA_PROBE_TIMEOUT_SECS:-60}" "$wmaTop/bin/python3" "$wmaInit" "$(wma_future "$wmaReal")" || return
    WMA_PYTHON=$wmaTop/bin/python3
}

wma_compare_system() {
    # wma_compare_system AREA: warn when AREA, or what it is a link to, is for another system than we run in (#11893).
    local system name
    system=$(wma_container_os)
    for name in "$1" "$(wma_real "$1")"; do
        [[ -n $system && ${name##*/} =~ ^[a-z]+([0-9]+)_ && ${BASH_REMATCH[1]} != "${system#rhel}" ]] || continue
        wma_log WARNING "$name is not for $system, which this container runs: its libraries may not fit (#11893)"
        return 0
    done
}

wma_try_area() {
    # wma_try_area EXTERNAL: take over the first python of an area that works; add to wmaTried what was tried.
    local wmaVersion wmaWhy wmaPin=${WMRUNTIME_PYTHON_VERSION:-}
    wmaWhy=$(wma_why_no_directory "$1/python3")
    if [[ -n $wmaWhy ]]; then
        [[ ! -e ${1%/external} && ! -L ${1%/external} ]] || wma_log WARNING "no python in this area: $wmaWhy"
        wmaTried+=$'\n'"  $wmaWhy"
        return 1
    fi
    wmaCode=11005 wmaType=PythonNotRunnable
    wmaTried+=$'\n'"  $1/python3:"
    while IFS= read -r wmaVersion; do
        if [[ -n $wmaPin && $wmaVersion != "$wmaPin" && $wmaVersion != "$wmaPin"[!0-9]* ]]; then
            wmaTried+=$'\n'"    $wmaVersion: WMRUNTIME_PYTHON_VERSION asks for $wmaPin"
        elif wma_try_version "$1" "$wmaVersion"; then
            wma_log INFO "$WMA_ANSWER: $1/python3/$wmaVersion/bin/python3${wmaPin:+ (WMRUNTIME_PYTHON_VERSION)}"
            wma_compare_system "${1%/external}"
            return 0
        else
            wma_log WARNING "$1/python3/$wmaVersion does not work, trying the next: $WMA_ANSWER"
            wmaTried+=$'\n'"    $wmaVersion: $WMA_ANSWER"
        fi
    done < <(wma_candidates "$1/python3")
    if [[ $wmaTried == */python3: ]]; then
        wma_log WARNING "no python in this area: $1/python3: no version in it"
        wmaTried+=" no version in it"
    fi
    return 1
}

wma_find_python() {
    # Take over a python that starts; WMA_PYTHON is its path. Status 1, reported with each path tried (#11105): there
    # is none. WMRUNTIME_PYTHON and WMRUNTIME_PYTHON_VERSION pin one.
    local wmaExternal wmaTried="" wmaCode=11004 wmaType=NoCompPython
    # the search paths as they are now; scram, cmsRun, gfal and what else is not ours get these back
    export WMRUNTIME_START_PATH=${PATH:-} WMRUNTIME_START_LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
    export WMRUNTIME_START_PYTHONPATH=${PYTHONPATH:-}
    # leftovers of the site's python: every other one does not start with them, or does not end, or fails on a warning
    unset PYTHONHOME PYTHONINSPECT PYTHONWARNINGS PYTHONSTARTUP PYTHONOPTIMIZE
    if [[ -n ${WMRUNTIME_PYTHON:-} ]]; then
        WMA_PYTHON=$(type -P "$WMRUNTIME_PYTHON")
        wma_load "${WMA_PROBE_TIMEOUT_SECS:-60}" "$WMRUNTIME_PYTHON" ||
            wma_fail 11005 PythonNotRunnable "$WMRUNTIME_PYTHON (WMRUNTIME_PYTHON) does not work: $WMA_ANSWER" || return
        wma_log INFO "$WMA_ANSWER: $WMA_PYTHON (WMRUNTIME_PYTHON)"
        return 0
    fi
    while IFS= read -r wmaExternal; do
        ! wma_try_area "$wmaExternal" || return 0
    done < <(wma_comp_directories)
    wma_fail "$wmaCode" "$wmaType" "found no python3 that can be started. Tried:$wmaTried"
}

wma_check_token() {
    # Point BEARER_TOKEN_FILE to the CMS token HTCondor brought. A missing one is no error: X509 proxies are in use.
    local token=${_CONDOR_CREDS:-}/cms.use
    if [[ -z ${_CONDOR_CREDS:-} || ! -f $token ]]; then
        wma_log INFO "HTCondor brought no CMS token (_CONDOR_CREDS is not set, or holds no cms.use)"
        return 0
    fi
    export BEARER_TOKEN_FILE=$token
    wma_log INFO "CMS token found, BEARER_TOKEN_FILE set"
    timeout -k 5 30 httokendecode -H "$token" < /dev/null ||
        wma_log WARNING "httokendecode did not describe the CMS token (127: not installed, 124: too slow): status $?"
}

wma_unpack() {
    # wma_unpack SANDBOX INDEX: make the job directory and enter it. Unpacker.py writes the report when it fails.
    export WMRUNTIME_SITE_NAME=${WMA_SITE_NAME:-}
    if ! wma_run_child timeout -k 10 "${WMA_UNPACK_TIMEOUT_SECS:-1800}" "$WMA_PYTHON" Unpacker.py "--sandbox=$1" \
            --package=JobPackage.pkl "--index=$2" "--jobname=job-$2" "--report=$WMA_REPORT"; then
        WMA_CODE=11006
        [[ -n ${WMA_SIGNAL:-} ]] || wma_report_is_ours || return 1
        wma_fail 11006 UnpackFailed "Unpacker.py ended with status $WMA_STATUS in $PWD (2: not there, 124: too slow)"
        return 1
    fi
    cd job || wma_fail 11006 UnpackFailed "cannot enter $PWD/job: Unpacker.py did not make it" || return
    export WMAGENTJOBDIR=$PWD
    # first, before py3-future and the site's: what the job was tested with wins
    export PYTHONPATH=$WMAGENTJOBDIR/WMCore.zip:$WMAGENTJOBDIR${PYTHONPATH:+:$PYTHONPATH}
}

# ---- The report of the job -----------------------------------------------------------------------------------

wma_run_python() {
    # wma_run_python ARGUMENTS...: run our python for at most two minutes, deaf to the signals that stop a job.
    (trap '' TERM INT HUP && exec timeout -k 5 120 "$WMA_PYTHON" "$@" < /dev/null)
}

wma_report_program() {
    # Print the program that makes its first argument the job's report, if it is one with steps: an agent cannot count
    # one without (99997). What a pickle names is not imported. Its status is 4 when there is no WMTiming in it.
    # No disk space is needed to keep the report, or to rename a link to it. Timestamps.py changes a copy, in a process
    # of its own, and prints to descriptor 3: whatever it leaves running, nobody waits for the end of its output.
    printf '%s\n' 'import os, pickle, runpy, signal, sys, traceback
PLAIN = ("set", "frozenset", "object", "list", "dict", "tuple", "bytes", "bytearray", "_reconstructor")
class Stand(object):
    __init__ = __setitem__ = append = lambda *args: None
class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        known = module in ("builtins", "__builtin__", "copyreg", "copy_reg") and name in PLAIN
        return super(Reader, self).find_class(module, name) if known else type(name, (Stand,), {})
def check(path):
    with open(path, "rb") as handle:
        report = Reader(handle, encoding="latin1").load()
    if type(report).__name__ != "ConfigSection" or not getattr(report, "steps", None):
        raise ValueError("no report with steps in it")
def copy(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(old.read())
def timestamps(program, *options):
    status = 1
    try:
        signal.alarm(60)
        os.dup2(3, 1)
        os.dup2(3, 2)
        sys.argv, sys.path[0] = [program] + list(options), os.path.dirname(program)
        try:
            runpy.run_path(program, run_name="__main__")
            status = 0
        except BaseException as ex:
            if isinstance(ex, SystemExit) and not ex.code:
                status = 0
            else:
                traceback.print_exc()
        sys.stdout.flush()
    finally:
        os._exit(status)
def addTiming(path, program, begin, end):
    pid = os.fork()
    if not pid:
        timestamps(program, "--reportFile=" + path, "--wmJobStart=" + begin, "--wmJobEnd=" + end)
    status = os.waitpid(pid, 0)[1]
    if status:
        raise RuntimeError("%s failed, wait status %d" % (program, status))
    check(path)
def keep(report, final, path):
    for name in (path, path + ".new"):
        if os.path.lexists(name):
            os.remove(name)
    if report != final:
        try:
            os.link(report, path)
        except OSError:
            copy(report, path)
        os.rename(path, final)
report, final, path = sys.argv[1:4]
check(report)
try:
    copy(report, path)
    addTiming(path, *sys.argv[4:])
    os.rename(path, final)
except Exception as ex:
    keep(report, final, path)
    print("%s: %s" % (type(ex).__name__, ex))
    sys.exit(4)'
}

wma_take_report() {
    # wma_take_report FILE: make FILE the report of the job, with the section WMTiming, if it is a good one. It may
    # be in place already. Timestamps.py is the job's own: HOME may be elsewhere (#11718).
    local answer status=0 end
    [[ -s $1 ]] || return 1
    printf -v end '%(%s)T' -1
    { answer=$(wma_run_python -c "$(wma_report_program)" "$1" "$WMA_REPORT" "$WMA_REPORT.tmp.$$" \
        "$WMAGENTJOBDIR/Utils/Timestamps.py" "$WMA_START_TIME" "$end" 2>&1); } 3>&2 || status=$?
    answer=${answer##*$'\n'}
    if ((status == 4)); then
        wma_log WARNING "the report has no WMTiming section: $answer"
    elif ((status != 0)); then
        wma_log WARNING "$1 is not brought back: ${answer:-no word} (status $status)"
        [[ ! -e $WMA_REPORT.tmp.$$ ]] || rm -f -- "$WMA_REPORT.tmp.$$" "$WMA_REPORT.tmp.$$.new"
        return 1
    fi
    wma_log INFO "The report of the job is $1"
}

wma_bring_report() {
    # wma_bring_report STATUS: bring back the best report there is; STATUS is Startup's. The first candidate is the
    # final one, then Startup's early one, then the Watchdog's.
    local file name=${WMA_REPORT##*/} status=$1
    ls -l WMTaskSpace WMTaskSpace/* 2> /dev/null
    for file in "$WMAGENTJOBDIR/WMTaskSpace/$name" "$WMA_REPORT" "$WMAGENTJOBDIR/$name"; do
        [[ $file != "$WMA_REPORT" ]] || ! wma_report_is_ours || continue
        ! wma_take_report "$file" || return 0
    done
    wma_fail 11007 NoReportOfItsOwn "Startup.py ended with status $status and left no complete report"
    ((status == 0)) || WMA_CODE=$status # success without a report is no success
    return 0
}

# ---- The whole way -------------------------------------------------------------------------------------------

wma_begin() {
    # wma_begin RETRY: before anything that can fail or be killed: the files the batch system expects (#6923, PR #8447)
    # and the traps. Status 1: the start directory cannot be written.
    local wmaRetry=0
    [[ ! $1 =~ ^[0-9]{1,6}$ ]] || wmaRetry=$((10#$1))
    printf -v WMA_START_TIME '%(%s)T' -1
    WMA_CODE=0 WMA_SIGNAL="" WMA_CHILD="" WMA_SITE_NAME=""
    WMA_REPORT=$PWD/Report.$wmaRetry.pkl WMA_LOG=$PWD/wmagentJob.log
    wma_trap_signals
    [[ $1 == "$wmaRetry" ]] || wma_log WARNING "the retry count is '$1', a number was expected: using $wmaRetry"
    wma_write_report "$WMA_REPORT" 11007 NoReportOfItsOwn "The job was killed, or the node went away" || WMA_CODE=11007
    wma_save_environment "$PWD/startup_environment.sh"
    export JOBSTARTDIR=$PWD WMAGENT_RETRY_COUNT=$wmaRetry
    wma_describe_node
    return "$((WMA_CODE != 0))"
}

wma_check_arguments() {
    # wma_check_arguments SANDBOX INDEX. Status 1, reported: one is missing.
    local usage="arguments are SANDBOX JOB_INDEX RETRY_COUNT"
    [[ -n $1 ]] || wma_fail 11001 NoSandboxArgument "no sandbox given: $usage" || return
    [[ -n $2 ]] || wma_fail 11002 NoJobIndexArgument "no job index given: $usage"
}

wma_bootstrap() {
    # wma_bootstrap SANDBOX INDEX: all stations up to the unpacked job. Status 1: the report says why.
    wma_station "WMAgent validate arguments" wma_check_arguments "$1" "$2" &&
        wma_station "WMAgent CMS environment load" wma_load_cms &&
        wma_station "WMAgent COMP Python bootstrap" wma_find_python &&
        wma_station "WMAgent token verification" wma_check_token &&
        wma_station "WMAgent Unpack the job" wma_unpack "$1" "$2"
}

wma_throttle() {
    # Unless it was stopped, a failed job lasts WMA_MIN_JOB_RUNTIMESECS: a node on which jobs fail at once must not
    # swallow the queue (#7232).
    local wmaFloor=${WMA_MIN_JOB_RUNTIMESECS:-300}
    [[ -z $WMA_SIGNAL ]] || WMA_CODE=$WMA_SIGNAL_STATUS
    wma_log INFO "Job runtime: $SECONDS s, exit code $WMA_CODE (process status $((WMA_CODE & 255)))"
    [[ $wmaFloor =~ ^[1-9][0-9]*$|^0$ ]] || wmaFloor=300
    if ((WMA_CODE != 0 && SECONDS < wmaFloor)) && [[ -z $WMA_SIGNAL ]]; then
        wma_log INFO "The job failed early: sleeping $((wmaFloor - SECONDS)) s, to last $wmaFloor s"
        wma_run_child sleep "$((wmaFloor - SECONDS))"
    fi
    return 0
}

wma_main() {
    # wma_main SANDBOX INDEX RETRY: run the job.
    printf 'Arguments:  %s\n' "$*"
    if wma_begin "${3:-}" && wma_station "WMAgent bootstrap" wma_bootstrap "${1:-}" "${2:-}"; then
        wma_station "Current environment dump" wma_masked < <(wma_environment_script)
        wma_station "WMAgent Run the job" wma_run_child "$WMA_PYTHON" Startup.py
        WMA_CODE=$WMA_STATUS
        wma_log INFO "Startup.py ended with status $WMA_CODE"
        wma_stop_steps
        wma_station "WMAgent bring the report back" wma_bring_report "$WMA_CODE"
    fi
    wma_station "WMAgent final job runtime checks" wma_throttle
    exit "$((WMA_CODE & 255))"
}

# in one line with ||: sourcing has to end with status 0
[[ ${BASH_SOURCE[0]} != "$0" ]] || (POSIXLY_CORRECT=1; return 0) 2> /dev/null || wma_main "$@"
