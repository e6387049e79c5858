"""Lists a project's tests with nose2, without running them, as JSON into the file named first."""
from run_nose2 import Program
import list_unittest

list_unittest.main(Program)
