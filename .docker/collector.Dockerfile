# The official Collector with two things its image lacks. It is built from scratch: one binary,
# no shell, and no directory that the Collector's user could write to.
#
#   wget      so that its health endpoint can be asked from inside
#   /otlp     owned by that user, so that a new volume mounted there is as well
#
# The version moves together with otel/builder.yaml; a test compares the two.
FROM busybox:1.37.0-musl AS extras
RUN mkdir /otlp && chown 10001:10001 /otlp

FROM otel/opentelemetry-collector-contrib:0.161.0
# This variant of busybox is one static file, which is whatever tool it is named after.
COPY --from=extras /bin/wget /bin/wget
COPY --from=extras --chown=10001:10001 /otlp /otlp

HEALTHCHECK --interval=30s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["/bin/wget", "-q", "-O", "/dev/null", "http://127.0.0.1:13133/"]
