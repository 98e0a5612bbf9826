"""`python -m sceneviz`: the command line."""

import sys

from sceneviz.cli import main

sys.exit(main())
