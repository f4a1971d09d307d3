"""Papers for customers: receipts of payments, invoices of subscribers' bills, credit notes; what a seller says of its taxes; and what
the platform took of a merchant in a month.

Numbers have no gaps by merchant, kind and year; what a paper says is frozen when it is made."""
