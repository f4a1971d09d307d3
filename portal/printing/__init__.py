"""Vouchers on paper: which layouts there are, what stands on a card, the code square's address, drawing PDFs in a process of its
own, and the files that wait to be fetched. No pages: see controllers.dashboard.printing."""
