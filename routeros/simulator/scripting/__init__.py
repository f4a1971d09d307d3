"""RouterOS scripts on a simulated router: the language, the console, schedules, files, fetch, import and export.

Built from MikroTik's manual (Scripting, Scheduler, Files, Fetch, Configuration management).
"""
