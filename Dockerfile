# syntax=docker/dockerfile:1
# Both stages start from the same image; pin it by digest where builds must repeat:
#   --build-arg BASE=python:3.13-slim-bookworm@sha256:…
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Dependencies first: this layer changes only when the lock file does.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/rightsizer \
    && /opt/rightsizer/bin/python -m pip install --require-hashes -r requirements.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY controller ./controller
# The wheel is built by the pinned hatchling; neither it nor pip goes into the image.
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/rightsizer/bin/python -m pip install --no-deps --no-index /wheels/*.whl \
    && /opt/rightsizer/bin/python -m compileall -q /opt/rightsizer/lib \
    && /opt/rightsizer/bin/python -m pip uninstall --yes --quiet pip

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rightsizer" \
      org.opencontainers.image.description="Keeps every AWS inference endpoint at the cheapest size that meets its SLO" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN mkdir -p /var/lib/rightsizer /etc/rightsizer/policies \
    && chown 65532:65532 /var/lib/rightsizer
COPY --from=build /opt/rightsizer /opt/rightsizer
ENV PATH=/opt/rightsizer/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RIGHTSIZER_STORE=/var/lib/rightsizer/journal.db \
    RIGHTSIZER_LISTEN=0.0.0.0:9797
# By number, so that Kubernetes can check runAsNonRoot without the image's passwd file.
USER 65532:65532
WORKDIR /var/lib/rightsizer
# The journal. Everything else may be read-only.
VOLUME /var/lib/rightsizer
EXPOSE 9797
# The program handles SIGTERM itself, also as process 1.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9797/healthz', timeout=4)"]
ENTRYPOINT ["rightsizer"]
CMD ["run", "--policies", "/etc/rightsizer/policies"]
