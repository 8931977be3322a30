"""The vocabulary: frozen values and sum types, with units in their names.

Nothing here does I/O, reads a clock or draws a random number; a value of this
package means the same in the core, in an adapter, in the journal and on a page.
Instants are seconds since the Unix epoch in UTC (`_s`), latencies milliseconds
(`_ms`), memory megabytes as AWS Lambda counts them, 2**20 bytes (`_mb`), money
US dollars (`_usd`).
"""
