"""Bringing packages and codes from another system: Mikhmon, PHPNuxBill, or a plain CSV. Always looked at first, taken over by the
worker, and taken back as long as nobody touched it. Money of then is told and never booked.

`letters`, `routeros_text`, `sql_dump`: bytes to words; `mikhmon`, `nuxbill`, `plain`: words to rows (`found`); `judging`: what will be
made; `sending`: what people ask for; `steps`, `taking`, `undoing`: the worker's part; `looks`: the pages; `entering`: codes typed."""
