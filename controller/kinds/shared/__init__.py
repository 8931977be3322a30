"""What several kinds rest on: kinds do not know each other, they know this room.

`response` and its parts: how long something takes at each memory size (functions, serverless
endpoints). `latency`: what of SageMaker's latencies an objective speaks of.
"""
