# syntax=docker/dockerfile:1
# Two images from one file: the daemon (the last stage, built by default) and, with
# `--target probe`, the same with Locust beside it for load probes.
#
# All stages start from one image; pin it by digest where builds must repeat:
#   --build-arg BASE=python:3.13-slim-bookworm@sha256:…
# Where PyPI is reached by a mirror or a proxy, give pip's configuration as a build secret:
#   --secret id=pip,src=pip.conf
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS tools
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PIP_CONFIG_FILE=/run/secrets/pip
WORKDIR /src
# Dependencies first: these layers change only when the lock files do.
COPY requirements-build.lock ./
RUN --mount=type=secret,id=pip,target=/run/secrets/pip,required=false \
    python -m venv /opt/build \
    && /opt/build/bin/python -m pip install --require-hashes -r requirements-build.lock

# The wheel is built by the pinned hatchling; neither it nor pip goes into an image.
FROM tools AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY controller ./controller
RUN /opt/build/bin/python -m pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels .

FROM tools AS daemon-venv
COPY requirements.lock ./
RUN --mount=type=secret,id=pip,target=/run/secrets/pip,required=false \
    python -m venv --without-pip /opt/rightsizer \
    && python -m pip --python /opt/rightsizer/bin/python install --no-compile \
        --require-hashes -r requirements.lock
COPY --from=wheel /wheels /wheels
COPY tools/trim-venv /usr/local/bin/trim-venv
RUN python -m pip --python /opt/rightsizer/bin/python install --no-compile --no-deps --no-index \
        /wheels/*.whl \
    && python /usr/local/bin/trim-venv /opt/rightsizer \
    && /opt/rightsizer/bin/python -m compileall -q /opt/rightsizer/lib

FROM tools AS probe-venv
COPY requirements-probe.lock ./
RUN --mount=type=secret,id=pip,target=/run/secrets/pip,required=false \
    python -m venv --without-pip /opt/rightsizer \
    && python -m pip --python /opt/rightsizer/bin/python install --no-compile \
        --require-hashes -r requirements-probe.lock
COPY --from=wheel /wheels /wheels
COPY tools/trim-venv /usr/local/bin/trim-venv
RUN python -m pip --python /opt/rightsizer/bin/python install --no-compile --no-deps --no-index \
        /wheels/*.whl \
    && python /usr/local/bin/trim-venv /opt/rightsizer \
    && /opt/rightsizer/bin/python -m compileall -q /opt/rightsizer/lib

FROM ${BASE} AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="rightsizer" \
      org.opencontainers.image.description="Keeps every AWS inference endpoint at the cheapest size that meets its SLO" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
RUN mkdir -p /var/lib/rightsizer /etc/rightsizer/policies \
    && chown 65532:65532 /var/lib/rightsizer
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
# No shell: the exec form of everything, so that a base without one serves as well.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9797/healthz', timeout=4)"]
ENTRYPOINT ["rightsizer"]
CMD ["run", "--policies", "/etc/rightsizer/policies"]

FROM base AS probe
COPY --from=probe-venv /opt/rightsizer /opt/rightsizer

FROM base AS daemon
COPY --from=daemon-venv /opt/rightsizer /opt/rightsizer
