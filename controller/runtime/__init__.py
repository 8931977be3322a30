"""The loop: a queue of keys, a schedule that only enqueues, workers, and the tick itself."""
