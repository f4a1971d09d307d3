"""The hotspot's web servlet: login, status, logout and redirect pages. Public: Servlet, stock_pages, all_pages."""

from routeros.simulator.servlet.html import all_pages, stock_pages
from routeros.simulator.servlet.routes import COOKIE_NAME, Servlet

__all__ = ["COOKIE_NAME", "Servlet", "all_pages", "stock_pages"]
