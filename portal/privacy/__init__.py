"""People's data (Kenya Data Protection Act 2019): a copy of all a merchant has (`copies`, made by `runs`), and what is kept of one
customer, to be shown, saved or erased (`customers`, `erasing`)."""
