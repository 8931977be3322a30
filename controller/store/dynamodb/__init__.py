"""The journal in one DynamoDB table, for replicas on several machines; and the lease in it.

The parts, from the outside in: `store` (the facade), `journal`, `evidence`, `status` and
`probes` (the items of each group), `table` (calls, pages, batches, transactions), `items`
(values as attributes), `connect` (address, client, and making the table), `lease`.

One table, two keys (`pk`, `sk`), no index:

| pk | sk | what |
|---|---|---|
| `open` | endpoint | a change in flight: the row itself, so that one query reads all of them |
| `change` | `0…017` | a change by id, open or closed |
| `events` + id | number | what happened in it |
| `changes#` + endpoint | `0…017` | which changes an endpoint had, and when |
| `evidence#` + endpoint | `o#`, `m#` + start + size | what was measured; it expires |
| `said` | endpoint | conditions and, cut to the size of an item, the last assessment |
| `checkpoint`, `pause`, `shadow`, `probe` | name | |
| `fence` | shard | the newest term |
| `lease#` + name | `lease` | who leads |
"""
