"""Pull mode: routers nobody can dial ask us for work. What each is answered, and who has fallen silent.

The words on the wire are `routeros.script.pull`, what a router should hold is `portal.desired`, as for every other way.
"""

from portal.pulls.answers import answer
from portal.pulls.silence import note_silent

__all__ = ["answer", "note_silent"]
