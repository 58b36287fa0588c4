# One image; the command picks the service: ingress, processor, sender, poller, media, simulator, topics apply, …
# Name the base by its digest where it is built for production: --build-arg PYTHON=python:3.11-slim@sha256:…
ARG PYTHON=python:3.11-slim

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Without a pip of its own: nothing is installed into it later. What is fetched has the hash that the lock states. Every
# wheel is prebuilt, so that no compiler is needed, and compiled to byte code.
RUN python -m venv --without-pip /opt/switchboard && python -m venv /opt/sbom
COPY requirements.lock requirements-image.lock pyproject.toml README.md LICENSE /src/
RUN /opt/sbom/bin/pip install --require-hashes --only-binary :all: --requirement /src/requirements.lock
COPY services /src/services
RUN pip --python /opt/switchboard/bin/python install --require-hashes --only-binary :all: \
        --requirement /src/requirements-image.lock \
    && pip --python /opt/switchboard/bin/python install --no-deps /src \
    && /opt/sbom/bin/cyclonedx-py environment --output-file /opt/switchboard/sbom.cdx.json \
        --pyproject /src/pyproject.toml /opt/switchboard/bin/python

FROM ${PYTHON}
COPY --from=build /opt/switchboard /opt/switchboard
# Tables and the spool; everything else may be read-only. Any uid may run it: its group is root's, as OpenShift has it.
RUN install -d -o 10001 -g 0 -m 0770 /var/lib/switchboard
USER 10001:0
WORKDIR /var/lib/switchboard
VOLUME /var/lib/switchboard
ENV PATH=/opt/switchboard/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Whichever service runs here; until one does, and while tables are restored, it is not healthy.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s CMD ["python", "-m", "services.cli.health"]
ENTRYPOINT ["switchboard"]
CMD ["--help"]
