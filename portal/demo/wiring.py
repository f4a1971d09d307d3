"""What handlers of the demo page are given, as types. Handed over as they are: Litestar would try to check every field of them."""

from typing import Annotated

from jinja2 import Environment
from litestar.params import Dependency

from portal.assets import Assets
from portal.demo.world import DemoWorld

World = Annotated[DemoWorld, Dependency(skip_validation=True)]
Pages = Annotated[Environment, Dependency(skip_validation=True)]
Files = Annotated[Assets, Dependency(skip_validation=True)]
