"""The vector operations over gRPC, beside the HTTP service and in its process.

The layer is off unless `BENCHLAB_TARGET_GRPC` is the address that it listens at, such as
`127.0.0.1:50051`; port 0 is any free one. Without TLS. The service is described by `vectors.proto`,
and by its own reflection; the standard health service says whether it serves.

| status | when |
|---|---|
| `INVALID_ARGUMENT` | vectors that are too long or not equally long, a number or a result that is not finite, a time that cannot be waited |
| `RESOURCE_EXHAUSTED` | a message above gRPC's limit of 4 MiB |
| `UNAVAILABLE`, … | a fault that is set (`faults`) |

vectors.proto     the service; its generated messages are in vectors_pb2
service.py        the methods
interceptor.py    what is done around each call
durations.py      how long calls take, as a metric
server.py         the server and its life
address.py        where it listens
"""  # noqa: E501 (a table cell cannot be wrapped)

SERVICE = "benchlab.Vectors"
CALLS = f"/{SERVICE}/"
"""What the paths of all calls begin with."""
