"""What the house counts over all its processes and restarts, for Prometheus; no merchant in it."""

from piccolo.columns import Array, BigInt, DoublePrecision
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, number, word


class MeterSum(Table, tablename="meter_sums", db=DB, help_text="a counter or histogram, added up over all processes"):
    id = key()
    metric = word(60, "its name at /metrics")
    label = word(40, "value of its one label; empty: it has none")
    counts = Array(base_column=BigInt(), help_text="how many values lay in each interval of portal.meters.SECONDS")
    total = number("how many values there were")
    seconds = DoublePrecision(help_text="their sum")
    meter_sum_once = Unique([metric, label])
