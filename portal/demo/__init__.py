"""The demo world: a shop with a past, simulated routers, phones and M-Pesa, and a page that shows them side by side.

Never imported by anything that serves customers: only `vocha demo`, benches and end-to-end tests come here.
"""
