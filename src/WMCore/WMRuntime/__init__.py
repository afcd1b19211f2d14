"""The worker-node runtime: from a sandbox and a job index to a finished job."""
import pkgutil

# The same package further down sys.path (upstream WMCore) supplies the modules that are not here.
__path__ = pkgutil.extend_path(__path__, __name__)
