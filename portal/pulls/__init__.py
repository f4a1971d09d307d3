"""Pull mode: routers nobody can dial ask us for work. What each is answered, and who has fallen silent.

The words on the wire are `routeros.script.pull`, what a router should hold is `portal.desired`, as for every other way.
"""

from portal.pulls.answers import answer
from portal.pulls.checkups import interval_of, look_now, wait_for
from portal.pulls.silence import note_silent

__all__ = ["answer", "interval_of", "look_now", "note_silent", "wait_for"]
