"""The journal: the only state that outlives the process.

`sqlite.SqliteStore` implements `controller.ports.Store` on one SQLite file.
The parts, from the outside in: `sqlite` (the facade), `journal`, `evidence` and
`status` (the SQL of each group of tables), `database` (one connection, its lock
and its transactions), `schema` (tables and migrations), `refusals` (SQLite's
errors as ours), `codec` (model values as JSON), `daemon_lock` and `export`.
"""
