"""Start the scram stand-in of one version; the wrapper bin/scram says where it lies."""
import os
import sys

home = os.environ["SCRAM_STANDIN_HOME"]
sys.path[:0] = [os.path.join(home, "lib"), os.path.realpath(os.path.join(home, *[".."] * 6 + ["libexec"]))]

from CallLog import recordCall  # noqa: E402
from scramStandIn.Main import main  # noqa: E402

sys.exit(main(sys.argv[1:], dict(os.environ), recordCall))
