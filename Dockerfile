FROM python:3.11-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
ENV PIP_CONSTRAINT=requirements.lock \
    PIP_BUILD_CONSTRAINT=requirements.lock
COPY pyproject.toml hatch_build.py requirements.lock README.md LICENSE ./
COPY edge_router edge_router
COPY sip_profiles sip_profiles
COPY state_client state_client
COPY sipp_scenarios sipp_scenarios
# The compiled build: docs/performance.md says what it brings. The compiler stays in this stage.
RUN python -m venv /opt/edge-router \
    && HATCH_BUILD_HOOKS_ENABLE=1 /opt/edge-router/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin edge-router
COPY --from=build /opt/edge-router /opt/edge-router
ENV PATH=/opt/edge-router/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HEALTH_URL=http://127.0.0.1:8080/healthz

# The configuration is mounted here. Let its http.address be 0.0.0.0:8080, or set HEALTH_URL to what it is.
# SIP and media addresses are the host's business: run it with --network host, or set `advertise` on each listener.
WORKDIR /etc/edge-router
USER edge-router
EXPOSE 5060/udp 8080/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=2)"]
ENTRYPOINT ["edge-router"]
CMD ["run", "-c", "/etc/edge-router/edge-router.yaml"]
