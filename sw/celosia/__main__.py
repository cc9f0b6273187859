"""``python -m celosia``: the same as the command ``celosia``."""

import sys

from .cli import main

sys.exit(main())
