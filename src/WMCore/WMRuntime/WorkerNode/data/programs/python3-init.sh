# shellcheck shell=bash disable=SC2034
# The environment of this python3, to be sourced; the variables without export are meant for packages sourced after it.
PYTHON3_ROOT=$(cd -P "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}./../.." && pwd)
PYTHON3_VERSION="@VERSION@"
PYTHON3_REVISION="1"
PYTHON3_CATEGORY="external"
PYTHON_LIB_SITE_PACKAGES="lib/python@SERIES@/site-packages"
PYTHON3_LIB_SITE_PACKAGES="lib/python@SERIES@/site-packages"
PYTHONHASHSEED="random"
PYTHON3HASHSEED="random"
[ ! -d "$PYTHON3_ROOT/bin" ] || export PATH="$PYTHON3_ROOT/bin${PATH:+:$PATH}"
[ ! -d "$PYTHON3_ROOT/lib" ] || export LD_LIBRARY_PATH="$PYTHON3_ROOT/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
