"""``python -m celosia``: the same as the command ``celosia``."""

import sys

from celosia.cli import main

sys.exit(main())
