"""How the embedded server is set up: small in memory, never careless with data. Numbers only, no processes.

Measured with PostgreSQL 18.4 (sum of Pss over all its processes): defaults 21 MiB idle and 33 MiB with five
connections; these settings 8 MiB and 21 MiB. Most of it is the three I/O workers and the parallel workers' tables.
"""

# Never in here: fsync, synchronous_commit or full_page_writes off. A paid shilling is on the disk before we answer.
_ALWAYS = {
    "shared_buffers": "16MB",
    "max_connections": "40",
    "jit": "off",
    "huge_pages": "off",
    "autovacuum_max_workers": "2",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "2",  # room for pg_basebackup
    "wal_buffers": "512kB",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "32MB",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # A duplicate key's DETAIL and a failing statement's text can hold a phone number: neither goes to the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
#: Read by glibc, by nothing else: blocks of 128 KiB go back to the system when freed. Left alone it raises that limit with the
#: first big one, and each connection kept 2 of its 8.6 MiB for nothing; COPY and queries take as long either way.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
_SINCE_18 = {
    "io_method": "sync",
    "autovacuum_worker_slots": "2",
}


def server_options(major: int) -> list[str]:
    """Command-line words (`-c name=value`) for `postgres` of this major version."""
    settings = _ALWAYS | (_SINCE_18 if major >= 18 else {})
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def initdb_options(major: int, *, platform: str) -> list[str]:
    """Command-line words for `initdb`: UTF-8, checksums, and an ordering that no change of the C library can break.

    `platform` is `sys.platform`. The builtin C.UTF-8 locale exists since PostgreSQL 17 (manual, Locale Support); an
    index on text then survives an upgrade of the operating system, which may change glibc's collations.
    """
    words = ["--encoding=UTF8", "--data-checksums", "--no-instructions"]
    words += ["--auth-local=trust", "--auth-host=scram-sha-256"]
    words += [f"--locale={'C.UTF-8' if platform == 'linux' else 'C'}"]
    if major >= 17:
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return words
