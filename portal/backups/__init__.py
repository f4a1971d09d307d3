"""Backups of the database: made (`making`), kept on a shelf (`shelf`), read back (`reading`), restored for trial (`drills`) and for
real (`rewinding`). A file is pg_dump's custom archive in a sealed stream (`sealing`), never in plain on any disk.

The secret keys are not in it: keep them apart, or no backup can be read. See docs/backups.md."""
