# shellcheck shell=bash disable=SC1090,SC2296
# To be sourced by bash or zsh, as the one of CMS: puts scram on PATH and says where the software and the site are.
if [[ -n ${BASH_SOURCE[0]:-} ]]; then
    here=${BASH_SOURCE[0]}
else
    here=${(%):-%x}
fi
here=$(cd -P "${here%"${here##*/}"}." && pwd)
if [[ ":$PATH:" != *":$here/common:"* ]]; then
    export PATH="$here/common:$PATH"
fi
if [[ -z ${SCRAM_ARCH:-} ]]; then
    SCRAM_ARCH=$("$here/common/cmsarch")
    export SCRAM_ARCH
fi
for arch in share "$SCRAM_ARCH"; do
    for profile in "$here/$arch"/etc/profile.d/S*.sh; do
        if [[ -f $profile ]]; then
            . "$profile"
        fi
    done
done
if [[ -z ${CMS_PATH:-} ]]; then
    export CMS_PATH="$here"
fi
if [[ -z ${SITECONFIG_PATH:-} ]]; then
    export SITECONFIG_PATH="$CMS_PATH/SITECONF/local"
fi
export MANPATH="$CMS_PATH/share/man:${MANPATH:-}"
unset here arch profile

function cmsenv { eval "$(scramv1 runtime -sh)"; }
function cmsrel { scramv1 project CMSSW "$@"; }
