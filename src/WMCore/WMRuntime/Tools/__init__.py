"""Tools of the runtime that other projects (CRAB) use too: the SCRAM session, child processes."""
import pkgutil

# The same package further down sys.path (upstream WMCore) supplies the modules that are not here.
__path__ = pkgutil.extend_path(__path__, __name__)
