# Two stages: the first builds the environment from the hashed lock, the second has only what runs.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/loopbot \
 && /opt/loopbot/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/loopbot/bin/pip install --no-cache-dir --no-build-isolation --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE config.example.toml ./
COPY loopbot loopbot
COPY connectors connectors
COPY rules rules
RUN /opt/loopbot/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/loopbot/bin/pip uninstall -y hatchling editables setuptools wheel

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/loopbot loopbot
COPY --from=build /opt/loopbot /opt/loopbot
ENV PATH=/opt/loopbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOOPBOT_CONFIG=/etc/loopbot/config.toml
USER loopbot
WORKDIR /var/lib/loopbot
# /etc/loopbot holds config.toml and rules/ (read-only); /var/lib/loopbot holds the database.
VOLUME ["/var/lib/loopbot"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["loopbot", "alive"]
ENTRYPOINT ["loopbot"]
CMD ["run"]
