#!/bin/bash
#
# submit_py3.sh SANDBOX JOB_INDEX RETRY_COUNT
#
# The executable HTCondor starts for a WMAgent job. It loads the CMS environment, finds a python, unpacks the
# sandbox, runs Startup.py and leaves Report.<retry>.pkl and wmagentJob.log in the start directory, whatever
# happens. Arguments, files, exit codes and environment are described in docs/wrapper.md.
#
# Other wrappers may source this file for its functions (#10257, #11104): that defines functions whose names begin
# with wma_ and does nothing else.
#
# It has to run under bash 4.2 (RHEL7), with coreutils and nothing more.

# ---------------------------------------------------------------------------------------------------------------
# Messages
# ---------------------------------------------------------------------------------------------------------------

wma_now() {
    # The time in UTC, for people.
    LC_ALL=C date -u '+%a %b %d %H:%M:%S UTC %Y'
}

wma_epoch() {
    # Seconds since 1970.
    printf '%(%s)T' -1
}

wma_record() {
    # wma_record LEVEL TEXT: append TEXT to wmagentJob.log, in the form Startup's own records have there.
    [[ -n ${WMA_LOG:-} ]] || return 0
    { printf '%(%Y-%m-%d %H:%M:%S)T,000:%s:submit_py3:%s\n' -1 "$1" "$2" >> "$WMA_LOG"; } 2>/dev/null
    return 0
}

wma_say() {
    # wma_say TEXT: a line for the job's standard output.
    printf '%s\n' "$1"
}

wma_info() {
    # wma_info TEXT: a line that is also worth keeping in wmagentJob.log.
    wma_say "$1"
    wma_record INFO "$1"
}

wma_warn() {
    # wma_warn TEXT: something is wrong, the job goes on.
    printf 'WARNING: %s\n' "$1" >&2
    wma_record WARNING "$1"
}

wma_station() {
    # wma_station NAME STARTING|FINISHED: mark the way of the job through the wrapper.
    wma_say "======== $1 $2 at $(wma_now) ========"
    wma_record INFO "$1 $2"
}

# ---------------------------------------------------------------------------------------------------------------
# The report, written by bash alone: it has to exist when there is no python
# ---------------------------------------------------------------------------------------------------------------

wma_pickle_string() {
    # wma_pickle_string TEXT: TEXT as a string of pickle protocol 0, one line of printable ASCII. Bytes outside ASCII
    # become "?" because the protocol would read them as latin-1 and a report with undecodable text is lost (#10151).
    local LC_ALL=C text=$1
    local backslash=$'\\' tab=$'\t' newline=$'\n' asBackslash='\u005c' asTab='\u0009' asNewline='\u000a'
    text=${text//"$backslash"/"$asBackslash"}
    text=${text//"$tab"/"$asTab"}
    text=${text//"$newline"/"$asNewline"}
    text=${text//[! -~]/?}
    printf 'V%s\n' "$text"
}

wma_pickle_set() {
    # wma_pickle_set NAME...: a set of strings.
    local name
    printf 'c__builtin__\nset\n((l'
    for name in "$@"; do
        wma_pickle_string "$name"
        printf 'a'
    done
    printf 'tR'
}

wma_pickle_section() {
    # wma_pickle_section MEMO PARENT NAME "SETTINGS" "CHILDREN": begin a WMCore.Configuration.ConfigSection, remembered
    # as number MEMO, whose parent is number PARENT ("" for none). Attributes follow; wma_pickle_end ends it.
    # SETTINGS and CHILDREN are names parted by blanks, CHILDREN belong to the settings as well.
    local settings children
    read -r -a settings <<< "$4 $5"
    read -r -a children <<< "$5"
    printf 'ccopy_reg\n_reconstructor\n(cWMCore.Configuration\nConfigSection\nc__builtin__\nobject\nNtRp%s\n(d' "$1"
    printf 'V_internal_documentation\nV\ns'
    printf 'V_internal_name\n'
    wma_pickle_string "$3"
    printf 'sV_internal_settings\n'
    wma_pickle_set ${settings[@]+"${settings[@]}"} # an empty array is an error in bash 4.2 under set -u
    printf 'sV_internal_docstrings\n(ds'
    printf 'V_internal_children\n'
    wma_pickle_set ${children[@]+"${children[@]}"}
    printf 'sV_internal_parent_ref\n'
    if [[ -n $2 ]]; then
        printf 'g%s\n' "$2"
    else
        printf 'N'
    fi
    printf 'sV_internal_skipChecks\nI00\ns'
}

wma_pickle_end() {
    # End the section begun last.
    printf 'b'
}

wma_pickle_leaf() {
    # wma_pickle_leaf MEMO PARENT NAME [fileCount]: the attribute NAME, an empty section (or one that counts no files).
    printf 'V%s\n' "$3"
    wma_pickle_section "$1" "$2" "$3" "${4:-}" ""
    if [[ -n ${4:-} ]]; then
        printf 'V%s\nI0\ns' "$4"
    fi
    wma_pickle_end
    printf 's'
}

wma_pickle_error() {
    # wma_pickle_error CODE TYPE DETAILS: the attribute "errors" of a step (number 1) that holds one error.
    printf 'Verrors\n'
    wma_pickle_section 8 1 errors "errorCount" "error0"
    printf 'Verror0\n'
    wma_pickle_section 9 8 error0 "exitCode type details" ""
    printf 'VexitCode\nI%d\nsVtype\n' "$1"
    wma_pickle_string "$2"
    printf 'sVdetails\n'
    wma_pickle_string "$3"
    printf 's'
    wma_pickle_end
    printf 'sVerrorCount\nI1\ns'
    wma_pickle_end
    printf 's'
}

wma_pickle_step() {
    # wma_pickle_step CODE TYPE DETAILS: the attribute CRITICAL, a step as WMCore's Report.addError leaves it.
    local name memo=20
    printf 'VCRITICAL\n'
    wma_pickle_section 1 0 CRITICAL "id status outputModules" \
        "site output input performance analysis errors skipped fallback parameters logs cleanup"
    printf 'Vid\nNsVstatus\nI%d\nsVoutputModules\n(ls' "$1"
    for name in site output input performance parameters logs; do
        wma_pickle_leaf $((memo++)) 1 "$name"
    done
    wma_pickle_error "$1" "$2" "$3"
    for name in analysis fallback; do
        printf 'V%s\n' "$name"
        wma_pickle_section "$memo" 1 "$name" "" "files"
        wma_pickle_leaf $((memo + 1)) "$memo" files fileCount
        wma_pickle_end
        printf 's'
        memo=$((memo + 2))
    done
    printf 'Vskipped\n'
    wma_pickle_section 40 1 skipped "" "events files"
    wma_pickle_leaf 41 40 events
    wma_pickle_leaf 42 40 files fileCount
    wma_pickle_end
    printf 'sVcleanup\n'
    wma_pickle_section 43 1 cleanup "" "removed unremoved"
    wma_pickle_leaf 44 43 removed fileCount
    wma_pickle_leaf 45 43 unremoved
    wma_pickle_end
    printf 's'
    wma_pickle_end
    printf 's'
}

wma_report_pickle() {
    # wma_report_pickle CODE TYPE DETAILS: print the pickle of WMCore's Report().data with one error in the step
    # CRITICAL.
    wma_pickle_section 0 "" FrameworkJobReport "steps workload completed hostName${WMA_SITE_NAME:+ siteName}" "CRITICAL"
    printf 'Vsteps\n(lVCRITICAL\nasVworkload\nVUnknown\nsVcompleted\nI00\nsVhostName\n'
    wma_pickle_string "${HOSTNAME:-unknown}"
    printf 's'
    if [[ -n ${WMA_SITE_NAME:-} ]]; then
        printf 'VsiteName\n'
        wma_pickle_string "$WMA_SITE_NAME"
        printf 's'
    fi
    wma_pickle_step "$1" "$2" "$3"
    wma_pickle_end
    printf '.'
}

wma_write_report() {
    # wma_write_report FILE CODE TYPE DETAILS: write such a report under a temporary name, then rename it.
    local file=$1 temporary="$1.tmp.$$"
    if { wma_report_pickle "$2" "$3" "$4" > "$temporary"; } 2>/dev/null && mv -fT -- "$temporary" "$file"; then
        return 0
    fi
    rm -f -- "$temporary" 2>/dev/null
    wma_warn "cannot write $file (code $2, $3): is the directory writable, and is there space on the disk?"
    return 1
}

wma_fail() {
    # wma_fail CODE TYPE MESSAGE [DETAILS]: say why the job cannot go on, put it in the report, return 1. The code is
    # kept whole in WMA_CODE: the process status has room for its last 8 bits only.
    local code=$1 type=$2 message=$3 details=${4:-}
    WMA_CODE=$code
    printf 'Error during job bootstrap: %s\n' "$message" >&2
    [[ -n $details ]] && printf '%s\n' "$details" >&2
    printf '  exit code %d %s, seen by the batch system as %d\n' "$code" "$type" $((code & 255)) >&2
    wma_record ERROR "$message [$code $type]"
    [[ -n $details ]] && wma_record ERROR "$details"
    wma_write_report "$WMA_REPORT" "$code" "$type" "$message${details:+$'\n'$details}"
    return 1
}

# ---------------------------------------------------------------------------------------------------------------
# Environment: saved, and shown without secrets
# ---------------------------------------------------------------------------------------------------------------

wma_is_secret() {
    # wma_is_secret NAME: true when the value of a variable or job ad attribute of that name must not be printed.
    local name=${1^^}
    case $name in
        *TOKEN*|*PROXY*|*PASS*|*SECRET*|*CREDENTIAL*|_CONDOR_CREDS) return 0 ;;
        *CLAIMID*|CAPABILITY|TRANSFERKEY|_CONDOR_PRIV*) return 0 ;; # HTCondor's private attributes
        *) return 1 ;;
    esac
}

wma_environment_script() {
    # Print the exported variables as commands that any POSIX shell can read back, whatever bytes the values hold. Not
    # in it: exported functions (a dump with functions in it is a syntax error and nothing after them is loaded),
    # bash's own readonly variables (CRABServer #5327), and what describes this very shell. A variable that is
    # readonly here is set only where the reading shell lets it. The local variables have names no exported variable
    # has: they would hide it.
    local wmaName wmaFlags wmaValue wmaQuote="'" wmaQuoted="'\\''"
    while read -r wmaName; do
        case $wmaName in
            _|PWD|OLDPWD|SHLVL|BASHOPTS|BASH_VERSINFO|EUID|PPID|SHELLOPTS|UID) continue ;;
        esac
        wmaFlags=$(declare -p "$wmaName" 2>/dev/null) || continue
        wmaFlags=${wmaFlags#declare -}
        wmaFlags=${wmaFlags%% *}
        case $wmaFlags in *[aA]*) continue ;; esac # an array is never in the environment
        [[ $wmaFlags == *x* && -n ${!wmaName+set} ]] || continue
        wmaValue=${!wmaName-}
        wmaValue=${wmaValue//"$wmaQuote"/"$wmaQuoted"}
        if [[ $wmaFlags == *r* ]]; then
            printf '(unset %s) 2>/dev/null && ' "$wmaName"
        fi
        printf "export %s='%s'\n" "$wmaName" "$wmaValue"
    done < <(compgen -e)
    printf ':\n'
}

wma_save_environment() {
    # wma_save_environment FILE: keep the start environment for gfal and others that must not see ours (#8641, #8702).
    # Only its owner may read it: it can hold credentials.
    if (umask 077 && wma_environment_script > "$1.tmp.$$") 2>/dev/null && mv -fT -- "$1.tmp.$$" "$1"; then
        return 0
    fi
    rm -f -- "$1.tmp.$$" 2>/dev/null
    wma_warn "cannot write $1: stage-out commands that need the start environment will fail"
    return 1
}

wma_print_environment() {
    # Print the exported variables, sorted, one line each, secrets masked.
    local wmaName wmaValue
    while read -r wmaName; do
        wmaValue=${!wmaName-}
        if wma_is_secret "$wmaName"; then
            wmaValue="(${#wmaValue} characters, not shown)"
        fi
        printf '  %s=%s\n' "$wmaName" "${wmaValue//$'\n'/\\n}"
    done < <(compgen -e | LC_ALL=C sort)
}

wma_print_job_ad() {
    # wma_print_job_ad FILE: print a job ClassAd, sorted, secrets masked. The Environment attribute is left out as a
    # whole: it repeats all variables in one line, where no value can be masked reliably.
    local line name
    while IFS= read -r line || [[ -n $line ]]; do
        name=${line%%=*}
        name=${name%"${name##*[! ]}"}
        case ${name^^} in
            ENVIRONMENT|ENV) line="$name = (not shown, see the environment below)" ;;
            *) wma_is_secret "$name" && line="$name = (not shown)" ;;
        esac
        printf '  %s\n' "$line"
    done < "$1" | LC_ALL=C sort
}

wma_site_name() {
    # wma_site_name FILE: print the CMS site name a job ClassAd holds, if it does.
    local line pattern='^MachineAttrGLIDEIN_CMSSite0[[:space:]]*=[[:space:]]*"([A-Za-z0-9_]+)"'
    while IFS= read -r line || [[ -n $line ]]; do
        if [[ $line =~ $pattern ]]; then
            printf '%s\n' "${BASH_REMATCH[1]}"
            return 0
        fi
    done < "$1"
    return 1
}

wma_describe_node() {
    # Print where the job has landed.
    local host
    host=$(timeout -k 1 10 hostname -f 2>/dev/null) || host=${HOSTNAME:-unknown}
    wma_say "User id:    $(id 2>/dev/null)"
    wma_say "Local time: $(date)"
    wma_say "Hostname:   $host"
    wma_say "System:     $(uname -a)"
    wma_say "Shell:      bash $BASH_VERSION"
    wma_say "Start dir:  $PWD"
}

wma_check_token() {
    # Point BEARER_TOKEN_FILE to the CMS token HTCondor brought, and describe it. Neither the token nor where the
    # credentials lie is printed. A missing token is not an error: X509 proxies are still in use.
    local token
    if [[ -z ${_CONDOR_CREDS:-} ]]; then
        wma_say "_CONDOR_CREDS is not set: HTCondor brought no credentials directory."
        return 0
    fi
    token=$_CONDOR_CREDS/cms.use
    if [[ ! -f $token ]]; then
        wma_say "The credentials directory of HTCondor holds no cms.use: the job has no CMS token."
        return 0
    fi
    export BEARER_TOKEN_FILE=$token
    wma_say "CMS token found, BEARER_TOKEN_FILE set."
    # `command -v httokendecode ls` would always be true
    if command -v httokendecode > /dev/null 2>&1; then
        timeout -k 5 30 httokendecode -H "$token" < /dev/null \
            || wma_warn "httokendecode could not describe the CMS token (status $?): it may be damaged or expired"
    else
        wma_say "httokendecode is not installed: the token can be used, its claims are not shown."
    fi
}

# ---------------------------------------------------------------------------------------------------------------
# The CMS environment and its areas
# ---------------------------------------------------------------------------------------------------------------

wma_cms_roots() {
    # Print the directories that may hold the CMS software on this node, best first, each once.
    local root seen=:
    for root in "${VO_CMS_SW_DIR:-}" "${OSG_APP:+$OSG_APP/cmssoft/cms}" "${CVMFS:-}" "${CVMFS:+$CVMFS/cms.cern.ch}" \
                "${WMRUNTIME_CVMFS_ROOT:-/cvmfs/cms.cern.ch}"; do
        [[ -n $root ]] || continue
        case $seen in *":$root:"*) continue ;; esac
        seen+="$root:"
        printf '%s\n' "$root"
    done
}

wma_source() {
    # wma_source FILE: source FILE without our arguments, and take back what it may have done to this shell.
    local wmaFile=$1
    set --
    # shellcheck disable=SC1090
    . "$wmaFile" < /dev/null
    set +eu
    set +f
    IFS=$' \t\n'
    [[ -n ${WMA_TRAPPED:-} ]] && wma_trap_signals
    return 0
}

wma_find_cms() {
    # Find the first root that holds a cmsset_default.sh and put it in WMA_CMS_ROOT. Status 1: there is none, or it
    # does not come to an end; WMA_TRIED lists what was tried.
    local root tried="" limit=${WMA_CMSSET_TIMEOUT_SECS:-300} status
    while IFS= read -r root; do
        if [[ ! -f $root/cmsset_default.sh ]]; then
            tried+="  $root/cmsset_default.sh: not there"$'\n'
            continue
        fi
        # CVMFS is a network: a first run in a process of its own cannot hang the job or end it
        # shellcheck disable=SC2016
        wma_run_child timeout -k 10 "$limit" env -u BASH_ENV bash --noprofile --norc -c \
            'file=$1; set --; . "$file" > /dev/null 2>&1; exit 0' probe "$root/cmsset_default.sh"
        status=$?
        [[ -n ${WMA_SIGNAL:-} ]] && return 1
        if [[ $status -ne 0 ]]; then
            tried+="  $root/cmsset_default.sh: status $status (124: not done after $limit s)"$'\n'
            continue
        fi
        wma_info "CMS environment: $root/cmsset_default.sh"
        WMA_CMS_ROOT=$root
        return 0
    done < <(wma_cms_roots)
    WMA_TRIED=$tried
    return 1
}

wma_load_cms() {
    # Source the cmsset_default.sh found. No local variables here: what is sourced would see and change them.
    if [[ -z ${VO_CMS_SW_DIR:-}${OSG_APP:-}${CVMFS:-} ]]; then
        export CVMFS=$WMA_CMS_ROOT
        wma_say "None of VO_CMS_SW_DIR, OSG_APP, CVMFS is set: CVMFS set to $CVMFS"
    fi
    wma_source "$WMA_CMS_ROOT/cmsset_default.sh"
}

wma_os_release_value() {
    # wma_os_release_value FILE KEY: print the value of KEY. The file is read, not sourced.
    local line value
    while IFS= read -r line || [[ -n $line ]]; do
        if [[ $line == "$2="* ]]; then
            value=${line#*=}
            value=${value#[\"\']}
            printf '%s\n' "${value%[\"\']}"
            return 0
        fi
    done < "$1"
    return 1
}

wma_container_os() {
    # Print the major version of the Red Hat family system we run in, as rhelN; print nothing and return 1 when it is
    # another system or unknown. WMRUNTIME_OS_RELEASE names another os-release file (for tests). rpm is not always
    # there, and its %rhel may be empty: "rhel" without a number is no answer.
    local file=${WMRUNTIME_OS_RELEASE:-/etc/os-release} platform family version text
    if [[ -r $file ]]; then
        platform=$(wma_os_release_value "$file" PLATFORM_ID)
        if [[ $platform =~ ^platform:el([0-9]+) ]]; then
            printf 'rhel%d\n' "$((10#${BASH_REMATCH[1]}))"
            return 0
        fi
        family=" $(wma_os_release_value "$file" ID) $(wma_os_release_value "$file" ID_LIKE) "
        version=$(wma_os_release_value "$file" VERSION_ID)
        case $family in
            " fedora "*) return 1 ;;
            *" rhel "*|*" centos "*|*" almalinux "*|*" rocky "*|*" scientific "*)
                # Amazon Linux calls itself like CentOS and counts otherwise (2, 2023)
                if [[ $version =~ ^([0-9]{1,2})(\.|$) ]] && ((10#${BASH_REMATCH[1]} >= 5)); then
                    printf 'rhel%d\n' "$((10#${BASH_REMATCH[1]}))"
                    return 0
                fi ;;
        esac
        [[ -n ${WMRUNTIME_OS_RELEASE:-} ]] && return 1
    fi
    if [[ -r /etc/redhat-release ]]; then # RHEL6 has no os-release
        read -r text < /etc/redhat-release
        if [[ $text =~ release\ ([0-9]+) && $text != Fedora* ]]; then
            printf 'rhel%d\n' "$((10#${BASH_REMATCH[1]}))"
            return 0
        fi
    fi
    if command -v rpm > /dev/null 2>&1; then
        version=$(timeout -k 5 30 rpm --eval '%{?rhel}' 2>/dev/null < /dev/null)
        if [[ $version =~ ^[0-9]+$ ]]; then
            printf 'rhel%d\n' "$((10#$version))"
            return 0
        fi
    fi
    return 1
}

wma_comp_areas() {
    # wma_comp_areas REQUIRED_OS CONTAINER_OS MACHINE: print "AREA<tab>REASON" lines, best first, each area once. A
    # single required system comes first, that is what the job was promised; of a list, the container's own comes
    # first: libraries of the area must fit the system (#11893). Then older systems: their programs run on newer ones
    # as a rule, not the other way round. Each python is started before it is chosen.
    local required=${1//,/ } container=$2 machine=$3 item number areas=() seen=" "
    local wanted=()
    read -r -a wanted <<< "$required"
    case " $required " in *" any "*) wanted=() ;; esac
    for item in ${wanted[@]+"${wanted[@]}"}; do
        if [[ ! $item =~ ^[A-Za-z0-9_.-]+$ || $item == *..* ]]; then
            wma_warn "REQUIRED_OS holds '$item', which is no name of a system: ignored" # it would become a path
            continue
        fi
        if [[ ${#wanted[@]} -gt 1 && $item == "$container" ]]; then
            areas=("$item"$'\t'"REQUIRED_OS lists it and the container runs it" ${areas[@]+"${areas[@]}"})
        else
            areas+=("$item"$'\t'"REQUIRED_OS names it")
        fi
    done
    if [[ $container =~ ^rhel([0-9]+)$ ]]; then
        areas+=("$container"$'\t'"the container runs it")
        number=${BASH_REMATCH[1]}
        while ((--number >= 6)); do
            areas+=("rhel$number"$'\t'"older than the container's $container")
        done
    else
        for item in rhel8 rhel9 rhel7 rhel6; do
            areas+=("$item"$'\t'"default, the container's system is not of the Red Hat family")
        done
    fi
    for item in "${areas[@]}"; do
        case $seen in *" ${item%%$'\t'*} "*) continue ;; esac
        seen+="${item%%$'\t'*} "
        printf '%s_%s\t%s\n' "${item%%$'\t'*}" "$machine" "${item#*$'\t'}"
    done
}

# ---------------------------------------------------------------------------------------------------------------
# Python
# ---------------------------------------------------------------------------------------------------------------

wma_numbers() {
    # wma_numbers TEXT: print the numbers in TEXT, leading zeros dropped, parted by blanks.
    local text=${1//[!0-9]/ } number result=""
    for number in $text; do
        result+="$((10#${number:0:15})) "
    done
    printf '%s' "$result"
}

wma_compare_numbers() {
    # wma_compare_numbers "A" "B": print -1, 0 or 1 as the list of numbers A is before, like or after B; missing ones
    # count 0.
    local left right index count
    read -r -a left <<< "$1"
    read -r -a right <<< "$2"
    count=$((${#left[@]} > ${#right[@]} ? ${#left[@]} : ${#right[@]}))
    for ((index = 0; index < count; index++)); do
        if ((${left[index]:-0} < ${right[index]:-0})); then printf '%s' -1; return; fi
        if ((${left[index]:-0} > ${right[index]:-0})); then printf '%s' 1; return; fi
    done
    printf '%s' 0
}

wma_version_before() {
    # wma_version_before A B: true when version directory A (3.8.2-comp) is older than B (3.10.1): first the
    # number, then the numbers of what follows it (comp < comp2), at last the spelling.
    local pattern='^([0-9]+(\.[0-9]+)*)(.*)$' leftNumber leftRest rightNumber rightRest order
    [[ $1 =~ $pattern ]] || return 0
    leftNumber=${BASH_REMATCH[1]} leftRest=${BASH_REMATCH[3]}
    [[ $2 =~ $pattern ]] || return 1
    rightNumber=${BASH_REMATCH[1]} rightRest=${BASH_REMATCH[3]}
    order=$(wma_compare_numbers "$(wma_numbers "$leftNumber")" "$(wma_numbers "$rightNumber")")
    if [[ $order == 0 ]]; then
        order=$(wma_compare_numbers "$(wma_numbers "$leftRest")" "$(wma_numbers "$rightRest")")
    fi
    if [[ $order == 0 ]]; then
        local LC_ALL=C
        [[ $leftRest < $rightRest ]]
        return
    fi
    [[ $order == -1 ]]
}

wma_sort_versions() {
    # wma_sort_versions NAME...: print the names, newest version first. When they were written does not count: a
    # release manager's touch must not change what jobs run on (#10641).
    local sorted=() name index
    for name in "$@"; do
        for ((index = ${#sorted[@]}; index > 0; index--)); do
            wma_version_before "${sorted[index - 1]}" "$name" || break
            sorted[index]=${sorted[index - 1]}
        done
        sorted[index]=$name
    done
    [[ ${#sorted[@]} -eq 0 ]] || printf '%s\n' "${sorted[@]}"
}

wma_python_versions() {
    # wma_python_versions PACKAGE_DIR: print the version directories that hold an init.sh, newest first.
    local file names=()
    for file in "$1"/[0-9]*/etc/profile.d/init.sh; do
        [[ -f $file ]] || continue
        file=${file%/etc/profile.d/init.sh}
        names+=("${file##*/}")
    done
    wma_sort_versions ${names[@]+"${names[@]}"}
}

wma_python_check() {
    # Print the program that tells a python that can run a job: 3.6 or later, with what Unpacker.py and Startup.py
    # import.
    printf '%s\n' 'import sys' \
        'if sys.version_info < (3, 6): sys.exit("python %d.%d found, 3.6 or later needed" % sys.version_info[:2])' \
        'import bz2, encodings.utf_8, getopt, hashlib, logging, pickle, subprocess, tarfile, zipfile, zlib' \
        'import xml.parsers.expat' \
        'print("%d.%d.%d" % sys.version_info[:3])'
}

wma_try_python() {
    # wma_try_python INTERPRETER: start INTERPRETER; print its version, or why it is of no use and return 1.
    timeout -k 5 "${WMA_PROBE_TIMEOUT_SECS:-60}" "$1" -c "$(wma_python_check)" < /dev/null 2>&1 | wma_last_lines
    local status=${PIPESTATUS[0]}
    [[ $status -eq 124 ]] && printf ' (not done after %s s)' "${WMA_PROBE_TIMEOUT_SECS:-60}"
    return "$status"
}

wma_last_lines() {
    # Pass on the last three lines read, joined: the end of a traceback or of the loader's complaint says what is wrong.
    local line lines=()
    while IFS= read -r line || [[ -n $line ]]; do
        [[ -n $line ]] && lines+=("${line:0:300}")
    done
    local count=${#lines[@]} text="" index
    for ((index = count > 3 ? count - 3 : 0; index < count; index++)); do
        text+="${text:+ | }${lines[index]}"
    done
    printf '%s' "$text"
}

wma_try_init() {
    # wma_try_init INIT_SH: in a process of its own, source INIT_SH and start the python3 it brings; print its
    # version, or why it is of no use and return 1. A python3 that was on the PATH before does not count.
    local limit=${WMA_PROBE_TIMEOUT_SECS:-60} status script
    # shellcheck disable=SC2016
    script='init=$1; check=$2; own=${init%/etc/profile.d/init.sh}/bin/python3; set --
        before=$(type -P python3)
        . "$init" > /dev/null
        found=$(type -P python3)
        if [ -z "$found" ]; then echo "no python3 on the PATH after sourcing it"; exit 3; fi
        if [ "$found" = "$before" ] && ! [ "$found" -ef "$own" ]; then
            echo "it brings no python3 of its own ($own), only $found is there"; exit 4
        fi
        exec "$found" -c "$check"'
    timeout -k 5 "$limit" env -u BASH_ENV bash --noprofile --norc -c "$script" probe "$1" "$(wma_python_check)" \
        < /dev/null 2>&1 | wma_last_lines
    status=${PIPESTATUS[0]}
    [[ $status -eq 124 ]] && printf ' (not done after %s s)' "$limit"
    return "$status"
}

wma_find_python() {
    # Find a python that starts: WMA_PYTHON is its path, or WMA_PYTHON_AREA and WMA_PYTHON_VERSION say which of
    # COMP's. Status 1: WMA_CODE is 11004 (no COMP directory) or 11005 (none of the pythons starts) and WMA_TRIED
    # lists each path and what was wrong with it.
    local container machine area reason root prefix version answer found="" pin=${WMRUNTIME_PYTHON_VERSION:-}
    WMA_TRIED=""
    unset PYTHONHOME # a leftover of the site's python; it keeps every other python from starting
    if [[ -n ${WMRUNTIME_PYTHON:-} ]]; then
        wma_use_pinned_python
        return
    fi
    container=$(wma_container_os)
    machine=$(uname -m)
    wma_say "REQUIRED_OS=${REQUIRED_OS:-(not set)}, container runs ${container:-an unknown system}, CPU $machine"
    while IFS=$'\t' read -r area reason; do
        while IFS= read -r root; do
            prefix=$root/COMP/$area/external/python3
            if [[ ! -d $prefix ]]; then
                WMA_TRIED+="  $prefix: no such directory"$'\n'
                continue
            fi
            [[ -n $found ]] || found=$prefix
            while IFS= read -r version; do
                if [[ -n $pin && $version != "$pin" ]]; then
                    WMA_TRIED+="  $prefix/$version: WMRUNTIME_PYTHON_VERSION asks for $pin"$'\n'
                    continue
                fi
                [[ -n ${WMA_SIGNAL:-} ]] && return 1
                if answer=$(wma_try_init "$prefix/$version/etc/profile.d/init.sh"); then
                    wma_info "COMP area $area: $reason"
                    wma_info "python $answer: $prefix/$version${pin:+ (WMRUNTIME_PYTHON_VERSION)}"
                    WMA_PYTHON_AREA=$root/COMP/$area/external
                    WMA_PYTHON_VERSION=$version
                    return 0
                fi
                wma_warn "$prefix/$version does not work, trying the next: $answer"
                WMA_TRIED+="  $prefix/$version: $answer"$'\n'
            done < <(wma_python_versions "$prefix")
            [[ $WMA_TRIED == *"  $prefix/"* ]] || WMA_TRIED+="  $prefix: no version with etc/profile.d/init.sh"$'\n'
        done < <(wma_cms_roots)
    done < <(wma_comp_areas "${REQUIRED_OS:-any}" "$container" "$machine")
    WMA_CODE=11004
    [[ -z $found ]] || WMA_CODE=11005
    return 1
}

wma_use_pinned_python() {
    # Take the interpreter WMRUNTIME_PYTHON names, and no other. Status 1: it does not start.
    local answer
    if answer=$(wma_try_python "$WMRUNTIME_PYTHON"); then
        WMA_PYTHON=$(type -P "$WMRUNTIME_PYTHON")
        wma_info "python $answer: $WMA_PYTHON (WMRUNTIME_PYTHON)"
        return 0
    fi
    WMA_TRIED="  $WMRUNTIME_PYTHON (WMRUNTIME_PYTHON): $answer"$'\n'
    WMA_CODE=11005
    return 1
}

wma_use_python() {
    # Take the python found into this shell, and py3-future where there is one. No local variables here, as in
    # wma_load_cms.
    [[ -z $WMA_PYTHON ]] || return 0
    wma_source "$WMA_PYTHON_AREA/python3/$WMA_PYTHON_VERSION/etc/profile.d/init.sh"
    hash -r
    WMA_PYTHON=$(type -P python3)
    WMA_FUTURE_VERSION=""
    read -r WMA_FUTURE_VERSION < <(wma_python_versions "$WMA_PYTHON_AREA/py3-future")
    if [[ -n $WMA_FUTURE_VERSION ]]; then
        # it must not hide the sandbox's own, see wma_enter_job: future 0.18.2 dies at import on python 3.12
        wma_source "$WMA_PYTHON_AREA/py3-future/$WMA_FUTURE_VERSION/etc/profile.d/init.sh"
        wma_say "py3-future $WMA_FUTURE_VERSION from $WMA_PYTHON_AREA"
    fi
    wma_info "python command: $WMA_PYTHON"
}

wma_export_start_paths() {
    # Keep the three search paths as they are before a python's init.sh changes them: what is not ours (scram, cmsRun,
    # gfal) gets these back.
    export WMRUNTIME_START_PATH=${PATH:-}
    export WMRUNTIME_START_LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}
    export WMRUNTIME_START_PYTHONPATH=${PYTHONPATH:-}
}

# ---------------------------------------------------------------------------------------------------------------
# Children and signals
# ---------------------------------------------------------------------------------------------------------------

wma_signal_number() {
    # wma_signal_number NAME: print the number of one of the signals we trap.
    case $1 in HUP) printf 1 ;; INT) printf 2 ;; *) printf 15 ;; esac
}

wma_trap_signals() {
    # Trap the signals that end a job, and the end of this shell.
    WMA_TRAPPED=yes
    trap 'wma_on_signal TERM' TERM
    trap 'wma_on_signal INT' INT
    trap 'wma_on_signal HUP' HUP
    trap 'wma_on_exit $?' EXIT
}

wma_on_signal() {
    # wma_on_signal NAME: note the first signal and pass it on to the child that runs; later ones change nothing.
    [[ -z ${WMA_SIGNAL:-} ]] || return 0
    WMA_SIGNAL=$1
    wma_warn "SIG$1 received: stopping the job"
    wma_forward_signal
}

wma_forward_signal() {
    # Pass the signal noted on to the child, once. HTCondor signals all processes by itself, so the child may get it
    # twice.
    [[ -n ${WMA_SIGNAL:-} && -n ${WMA_CHILD:-} && ${WMA_FORWARDED:-} != "$WMA_CHILD" ]] || return 0
    WMA_FORWARDED=$WMA_CHILD
    kill -s "$WMA_SIGNAL" "$WMA_CHILD" 2>/dev/null
    kill -s CONT "$WMA_CHILD" 2>/dev/null
    return 0
}

wma_descendants() {
    # wma_descendants PID: print PID and the processes below it. A payload has a session of its own: no process group
    # reaches all of them.
    local -A parents=()
    local file text pid found=" $1 " grown=yes
    for file in /proc/[0-9]*/stat; do
        { IFS= read -r text < "$file"; } 2>/dev/null || continue
        pid=${text%% *}
        text=${text##*) } # the program's name may hold blanks and brackets
        text=${text#* }
        parents[$pid]=${text%% *}
    done
    while [[ -n $grown ]]; do
        grown=""
        for pid in "${!parents[@]}"; do
            if [[ $found == *" ${parents[$pid]} "* && $found != *" $pid "* ]]; then
                found+="$pid "
                grown=yes
            fi
        done
    done
    printf '%s\n' "$found"
}

wma_run_child() {
    # wma_run_child COMMAND...: run COMMAND as a child, so that a signal to us is acted upon while it runs. A signal
    # is passed on; a child that is still there after WMA_STOP_GRACE_SECS is killed with all its descendants. Status:
    # the child's own.
    local wmaStatus wmaSignalled wmaDeadline wmaPids
    [[ -z ${WMA_SIGNAL:-} ]] || return $((128 + $(wma_signal_number "$WMA_SIGNAL")))
    set -m # a process group of its own, and SIGINT not ignored
    "$@" < /dev/null &
    WMA_CHILD=$!
    set +m
    wma_forward_signal # it may have come before WMA_CHILD was set
    while :; do
        wmaSignalled=${WMA_SIGNAL:-}
        if [[ -z $wmaSignalled ]]; then
            wait "$WMA_CHILD"
            wmaStatus=$?
            [[ -z ${WMA_SIGNAL:-} ]] && break # no signal came: the status is the child's
            continue
        fi
        wmaDeadline=$((SECONDS + ${WMA_STOP_GRACE_SECS:-60}))
        while kill -0 "$WMA_CHILD" 2>/dev/null && ((SECONDS < wmaDeadline)); do
            sleep 0.2
        done
        if kill -0 "$WMA_CHILD" 2>/dev/null; then
            wma_warn "process $WMA_CHILD is there ${WMA_STOP_GRACE_SECS:-60} s after SIG$wmaSignalled: killing it and all below it"
            read -r -a wmaPids <<< "$(wma_descendants "$WMA_CHILD")"
            kill -s KILL "${wmaPids[@]}" 2>/dev/null
        fi
        wait "$WMA_CHILD" 2>/dev/null
        wmaStatus=$?
        break
    done
    WMA_CHILD=""
    return "$wmaStatus"
}

wma_on_exit() {
    # wma_on_exit STATUS: the EXIT trap. It has work only when something we sourced ended the shell behind our back.
    trap - EXIT
    [[ -n ${WMA_ENDED:-} ]] && return 0
    wma_fail 11007 NoReportOfItsOwn "the wrapper was ended with status $1 by a script it sourced, before the job ran"
    wma_end 11007
}

wma_throttle() {
    # Keep a node on which jobs fail at once from swallowing the queue (#7232): a failed job lasts
    # WMA_MIN_JOB_RUNTIMESECS.
    local floor=${WMA_MIN_JOB_RUNTIMESECS:-300} elapsed rest
    [[ $floor =~ ^[0-9]+$ ]] || floor=300
    elapsed=$(($(wma_epoch) - WMA_START_TIME))
    rest=$((10#$floor - elapsed))
    ((rest > 0)) || return 0
    wma_say "The job failed after $elapsed s. Sleeping $rest s, to last $floor s."
    set -m
    sleep "$rest" &
    WMA_CHILD=$!
    set +m
    wma_forward_signal
    wait "$WMA_CHILD" 2>/dev/null
    WMA_CHILD=""
}

wma_end() {
    # wma_end CODE: the last station. The process status is the last 8 bits of CODE.
    local code=$1
    WMA_ENDED=yes
    wma_station "WMAgent final job runtime checks" STARTING
    wma_info "Job runtime: $(($(wma_epoch) - WMA_START_TIME)) s, exit code $code (process status $((code & 255)))"
    [[ -f $WMA_REPORT ]] || wma_warn "$WMA_REPORT is missing"
    if [[ $code -ne 0 && -z ${WMA_SIGNAL:-} ]]; then
        wma_throttle
    fi
    wma_station "WMAgent final job runtime checks" FINISHED
    exit $((code & 255))
}

# ---------------------------------------------------------------------------------------------------------------
# Unpack, run, bring the report back
# ---------------------------------------------------------------------------------------------------------------

wma_unpack() {
    # wma_unpack SANDBOX INDEX: run Unpacker.py. It writes the report itself when it fails; the wrapper does when that
    # is missing.
    local status state
    if [[ ! -f Unpacker.py ]]; then
        wma_fail 11006 UnpackFailed "$PWD/Unpacker.py is not there: the batch system did not transfer it"
        return 1
    fi
    export WMRUNTIME_SITE_NAME=${WMA_SITE_NAME:-}
    wma_run_child timeout -k 10 "${WMA_UNPACK_TIMEOUT_SECS:-1800}" "$WMA_PYTHON" Unpacker.py "--sandbox=$1" \
        --package=JobPackage.pkl "--index=$2" "--jobname=job-$2" "--report=$WMA_REPORT"
    status=$?
    [[ -z ${WMA_SIGNAL:-} ]] || return 1
    [[ $status -ne 0 ]] || return 0
    state=$(wma_report_state "$WMA_REPORT")
    if [[ $state != good ]]; then
        wma_fail 11006 UnpackFailed "Unpacker.py ended with status $status for the sandbox $1 in $PWD" \
            "  status 124: not done after ${WMA_UNPACK_TIMEOUT_SECS:-1800} s; its messages are in the job's standard output"
        return 1
    fi
    WMA_CODE=11006
    printf 'Error during job bootstrap: Unpacker.py failed with status %d, its message is above\n' "$status" >&2
    printf '  exit code 11006 UnpackFailed, seen by the batch system as %d\n' $((11006 & 255)) >&2
    wma_record ERROR "Unpacker.py failed with status $status [11006 UnpackFailed]"
    return 1
}

wma_placeholder_text() {
    # Print what the report says that is written before anything else; by it the report is known again.
    printf '%s' "The job ended before it wrote a report of its own: it was killed, or the node went away."
}

wma_report_check() {
    # Print the program that tells the state of a report. No class a pickle names is ever imported.
    cat <<'PYTHON'
import pickle
import sys

REAL = {"set", "frozenset", "object", "list", "dict", "tuple", "bytes", "bytearray", "complex"}


class Stand(object):
    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.__dict__.update(part)

    def __setitem__(self, key, value):
        pass

    append = extend = add = lambda self, value: None


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if module in ("builtins", "__builtin__") and name in REAL:
            return getattr(__import__("builtins"), name)
        if (module, name) in (("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor")):
            return __import__("copyreg")._reconstructor
        return type(str(name).replace(".", "_"), (Stand,), {})


def state(path):
    with open(path, "rb") as handle:
        if not handle.read(1):
            return "empty"
        handle.seek(0)
        data = Reader(handle, encoding="latin1").load()
    if type(data).__name__ != "ConfigSection" or not isinstance(getattr(data, "steps", None), list):
        return "broken: no FrameworkJobReport section in it"
    if not data.steps:
        return "stepless"
    error = getattr(getattr(getattr(data, "CRITICAL", None), "errors", None), "error0", None)
    if getattr(error, "exitCode", 0) == 11007 and str(getattr(error, "details", "")).startswith(sys.argv[2]):
        return "placeholder"
    return "good"


try:
    print(state(sys.argv[1]))
except FileNotFoundError:
    print("missing")
except BaseException as ex:
    print("broken: %s: %s" % (type(ex).__name__, str(ex)[:200].replace("\n", " ")))
PYTHON
}

wma_report_state() {
    # wma_report_state FILE: print good, stepless, placeholder (the wrapper's own, nothing better was put there), empty,
    # missing, or "broken: why". Asked again when a signal to all processes hit the python that was to answer.
    local state try
    for try in 1 2 3; do
        state=$(timeout -k 5 60 "$WMA_PYTHON" -c "$(wma_report_check)" "$1" "$(wma_placeholder_text)" \
            < /dev/null 2>/dev/null)
        if [[ -n $state ]]; then
            printf '%s\n' "$state"
            return 0
        fi
    done
    printf 'broken: %s could not look at it (tried %d times)\n' "$WMA_PYTHON" "$try"
}

wma_add_timing() {
    # wma_add_timing REPORT: add the section WMTiming, by the job's own Utils/Timestamps.py (#11718): HOME need not be
    # the start directory.
    local program=$WMAGENTJOBDIR/Utils/Timestamps.py copy="$1.timing"
    if [[ ! -f $program ]]; then
        wma_warn "$program is not there: the report has no WMTiming section"
        return 1
    fi
    cp -f -- "$1" "$copy" && timeout -k 5 120 "$WMA_PYTHON" "$program" "--reportFile=$copy" "--wmJobEnd=$(wma_epoch)" \
        "--wmJobStart=$WMA_START_TIME" < /dev/null
    if [[ $? -eq 0 && $(wma_report_state "$copy") == good ]] && mv -fT -- "$copy" "$1"; then
        rm -f -- "$copy.new"
        return 0
    fi
    rm -f -- "$copy" "$copy.new"
    wma_warn "$program failed: the report has no WMTiming section"
    return 1
}

wma_take_report() {
    # wma_take_report FILE: make FILE the report of the job, if it is a good one.
    local state temporary="$WMA_REPORT.tmp.$$"
    state=$(wma_report_state "$1")
    if [[ $state != good ]]; then
        wma_say "  $1: $state"
        return 1
    fi
    if ! cp -f -- "$1" "$temporary" || [[ $(wma_report_state "$temporary") != good ]]; then
        rm -f -- "$temporary"
        wma_warn "$1 cannot be copied to the start directory: is there space on the disk?"
        return 1
    fi
    wma_add_timing "$temporary"
    mv -fT -- "$temporary" "$WMA_REPORT" || return 1
    wma_info "The report of the job is $1"
}

wma_amend_report() {
    # wma_amend_report CODE TYPE DETAILS: add an error to the report Startup began, with the WMCore of the sandbox, so
    # that what it says of the job and the site is kept. A report without steps would be counted as unreadable
    # (99997).
    local temporary="$WMA_REPORT.tmp.$$" program
    program='import sys
from WMCore.FwkJobReport.Report import Report
report = Report()
report.load(sys.argv[1])
report.addError("CRITICAL", int(sys.argv[3]), sys.argv[4], sys.argv[5])
report.data.completed = False
report.save(sys.argv[2])'
    if timeout -k 5 120 "$WMA_PYTHON" -c "$program" "$WMA_REPORT" "$temporary" "$@" < /dev/null > /dev/null 2>&1 \
            && [[ $(wma_report_state "$temporary") == good ]] && mv -fT -- "$temporary" "$WMA_REPORT"; then
        return 0
    fi
    rm -f -- "$temporary"
    return 1
}

wma_bring_report() {
    # wma_bring_report STATUS: make the best report there is the job's; STATUS is Startup's. Status 1: there was none,
    # the job's report is one the wrapper made.
    local status=$1 state code=11007 type=NoReportOfItsOwn details
    wma_take_report "$WMAGENTJOBDIR/WMTaskSpace/${WMA_REPORT##*/}" && return 0
    state=$(wma_report_state "$WMA_REPORT")
    if [[ $state == good ]]; then
        wma_take_report "$WMA_REPORT"
        return 0
    fi
    wma_say "  $WMA_REPORT: $state"
    wma_take_report "$WMAGENTJOBDIR/${WMA_REPORT##*/}" && return 0
    details="Startup.py ended with status $status and left no complete report"
    details+=" in $WMAGENTJOBDIR/WMTaskSpace or $JOBSTARTDIR"
    ((status > 128)) && details+=" (it was stopped by signal $((status - 128)))"
    if [[ -n ${WMA_SIGNAL:-} ]]; then
        code=50669 type=StoppedBySignal
        details="the job was stopped by SIG$WMA_SIGNAL after $(($(wma_epoch) - WMA_START_TIME)) s; $details"
    fi
    wma_record ERROR "$details [$code $type]"
    printf 'ERROR: %s\n' "$details" >&2
    if [[ $state == stepless ]] && wma_amend_report "$code" "$type" "$details"; then
        wma_add_timing "$WMA_REPORT"
        return 1
    fi
    wma_write_report "$WMA_REPORT" "$code" "$type" "$details"
    return 1
}

wma_enter_job() {
    # Go to the job directory and put the sandbox on the search path, before all else: what the job was tested with
    # wins.
    if ! cd job; then
        wma_fail 11006 UnpackFailed "cannot enter $JOBSTARTDIR/job: Unpacker.py ended well but did not make it"
        return 1
    fi
    export WMAGENTJOBDIR=$PWD
    export PYTHONPATH=$WMAGENTJOBDIR/WMCore.zip:$WMAGENTJOBDIR${PYTHONPATH:+:$PYTHONPATH}
}

# ---------------------------------------------------------------------------------------------------------------
# The whole way
# ---------------------------------------------------------------------------------------------------------------

wma_begin() {
    # wma_begin RETRY: before anything that can fail or be killed: the two files the batch system expects (#6923),
    # and the traps. Status 1: the start directory cannot be written.
    local retry=0
    [[ ${1:-} =~ ^[0-9]{1,9}$ ]] && retry=$((10#$1))
    WMA_START_TIME=$(wma_epoch)
    WMA_CODE=0 WMA_SIGNAL="" WMA_CHILD="" WMA_FORWARDED="" WMA_ENDED="" WMA_TRIED="" WMA_SITE_NAME=""
    WMA_PYTHON="" WMA_PYTHON_AREA="" WMA_PYTHON_VERSION="" WMA_CMS_ROOT=""
    WMA_REPORT=$PWD/Report.$retry.pkl
    WMA_LOG=$PWD/wmagentJob.log
    wma_write_report "$WMA_REPORT" 11007 NoReportOfItsOwn "$(wma_placeholder_text)"
    local status=$?
    : 2>/dev/null >> "$WMA_LOG"
    wma_trap_signals
    [[ ${1:-} == "$retry" ]] || wma_warn "the retry count is '${1:-}', a number was expected: using $retry"
    return "$status"
}

wma_show_job_ad() {
    # Print the job ClassAd HTCondor gave us, and note the site.
    local ad=${_CONDOR_JOB_AD:-}
    if [[ ! -r $ad ]]; then
        wma_say "No job ClassAd to print: _CONDOR_JOB_AD is ${ad:-not set}"
        return 0
    fi
    WMA_SITE_NAME=$(wma_site_name "$ad")
    wma_say "Site name:  ${WMA_SITE_NAME:-unknown}"
    wma_station "HTCondor jobAds" STARTING
    wma_print_job_ad "$ad"
    wma_station "HTCondor jobAds" FINISHED
}

wma_stopped() {
    # True when a signal has come; the report then says so.
    [[ -n ${WMA_SIGNAL:-} ]] || return 1
    wma_write_report "$WMA_REPORT" 50669 StoppedBySignal \
        "the job was stopped by SIG$WMA_SIGNAL during the bootstrap, after $(($(wma_epoch) - WMA_START_TIME)) s"
    WMA_CODE=$((128 + $(wma_signal_number "$WMA_SIGNAL")))
}

wma_bootstrap() {
    # wma_bootstrap SANDBOX INDEX: all stations up to the unpacked job. Status 1: WMA_CODE holds the code, the report
    # is written.
    wma_station "WMAgent validate arguments" STARTING
    if [[ -z ${1:-} ]]; then
        wma_fail 11001 NoSandboxArgument "no sandbox given: arguments are SANDBOX JOB_INDEX RETRY_COUNT"
        return 1
    fi
    if [[ -z ${2:-} ]]; then
        wma_fail 11002 NoJobIndexArgument "no job index given: arguments are SANDBOX JOB_INDEX RETRY_COUNT"
        return 1
    fi
    wma_station "WMAgent validate arguments" FINISHED

    wma_station "WMAgent CMS environment load" STARTING
    if ! wma_find_cms; then
        wma_stopped && return 1
        wma_fail 11003 NoCmssetDefault "found no usable cmsset_default.sh: is CVMFS mounted on this node?" "$WMA_TRIED"
        return 1
    fi
    wma_load_cms
    wma_station "WMAgent CMS environment load" FINISHED
    wma_stopped && return 1

    wma_station "WMAgent COMP Python bootstrap" STARTING
    wma_export_start_paths
    if ! wma_find_python; then
        wma_stopped && return 1
        if [[ $WMA_CODE -eq 11004 ]]; then
            wma_fail 11004 NoCompPython "found no COMP python3 directory. Tried:" "$WMA_TRIED"
        else
            wma_fail 11005 PythonNotRunnable "none of the pythons found can be started. Tried:" "$WMA_TRIED"
        fi
        return 1
    fi
    wma_use_python
    wma_station "WMAgent COMP Python bootstrap" FINISHED
    wma_stopped && return 1

    wma_station "WMAgent token verification" STARTING
    wma_check_token
    wma_station "WMAgent token verification" FINISHED

    wma_station "WMAgent Unpack the job" STARTING
    if ! wma_unpack "$1" "$2" || ! wma_enter_job; then
        wma_stopped
        return 1
    fi
    wma_station "WMAgent Unpack the job" FINISHED
    ! wma_stopped
}

wma_run_job() {
    # Run Startup.py in the job directory and bring its report back. Sets WMA_CODE.
    local wmaStatus
    wma_station "WMAgent Run the job" STARTING
    wma_run_child "$WMA_PYTHON" Startup.py
    wmaStatus=$?
    wma_info "Startup.py ended with status $wmaStatus"
    wma_station "WMAgent Run the job" FINISHED

    wma_station "WMAgent bring the report back" STARTING
    WMA_CODE=$wmaStatus
    if ! wma_bring_report "$wmaStatus" && [[ $wmaStatus -eq 0 ]]; then
        WMA_CODE=11007 # success without a report is no success
    fi
    [[ -z ${WMA_SIGNAL:-} ]] || WMA_CODE=$((128 + $(wma_signal_number "$WMA_SIGNAL")))
    ls -l WMTaskSpace WMTaskSpace/* 2>/dev/null
    wma_station "WMAgent bring the report back" FINISHED
}

wma_main() {
    # wma_main SANDBOX INDEX RETRY: run the job.
    if ! wma_begin "${3:-}"; then
        WMA_CODE=11007
        wma_end 11007
    fi
    wma_save_environment "$PWD/startup_environment.sh"
    wma_station "WMAgent bootstrap" STARTING
    wma_say "Arguments:  $*"
    wma_describe_node
    export JOBSTARTDIR=$PWD
    wma_show_job_ad
    if ! wma_bootstrap "${1:-}" "${2:-}"; then
        wma_end "$WMA_CODE"
    fi
    wma_station "Current environment dump" STARTING
    wma_print_environment
    wma_station "Current environment dump" FINISHED
    wma_station "WMAgent bootstrap" FINISHED
    wma_run_job
    wma_end "$WMA_CODE"
}

# return works only in a sourced file: `bash -c '. "$0"' submit_py3.sh` sources it as well
if [[ "${BASH_SOURCE[0]}" == "$0" ]] && ! (return 0 2> /dev/null); then
    wma_main "$@"
fi
