# One image; the command picks the service: ingress, processor, sender, simulator, topics apply, …
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/switchboard
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY services services
# The lock pins what the tests and linters need too; as constraints it pins without installing them.
RUN /opt/switchboard/bin/pip install --no-cache-dir --constraint requirements.lock .

FROM python:3.11-slim
COPY --from=build /opt/switchboard /opt/switchboard
# Tables and the spool; everything else may be read-only.
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/switchboard switchboard \
    && install -d -o switchboard -g switchboard /var/lib/switchboard
USER 10001
WORKDIR /var/lib/switchboard
VOLUME /var/lib/switchboard
ENV PATH=/opt/switchboard/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["switchboard"]
CMD ["--help"]
