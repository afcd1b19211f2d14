# shellcheck shell=bash disable=SC2034
# The environment of py3-future, to be sourced after the one of python3, which says where site-packages are.
PY3_FUTURE_ROOT=$(cd -P "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}./../.." && pwd)
PY3_FUTURE_VERSION="0.18.2"
PY3_FUTURE_REVISION="1"
PY3_FUTURE_CATEGORY="external"
if [ -d "$PY3_FUTURE_ROOT/${PYTHON_LIB_SITE_PACKAGES:-${PYTHON3_LIB_SITE_PACKAGES:-lib}}" ]; then
    export PYTHONPATH="$PY3_FUTURE_ROOT/${PYTHON_LIB_SITE_PACKAGES:-${PYTHON3_LIB_SITE_PACKAGES:-lib}}${PYTHONPATH:+:$PYTHONPATH}"
fi
