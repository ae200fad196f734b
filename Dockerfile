# API and controller in one image; the command chooses: `api` (the default) or `controller`.
# What runs inside a session's container is not in here.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/berth
WORKDIR /src
# The locked dependencies come first: they change less often than the code.
COPY deploy/locks/server.lock deploy/locks/server.lock
RUN /opt/berth/bin/pip install --require-hashes -r deploy/locks/server.lock
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY cli cli
COPY controller controller
COPY crds crds
COPY dokploy dokploy
COPY records records
# Of the container's side, the names alone that both sides share.
COPY container/__init__.py container/addresses.py container/contract.py container/outgoing.py container/priority.py container/signals.py container/
RUN /opt/berth/bin/pip install --no-build-isolation --no-deps .

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /var/lib/berth --create-home --shell /usr/sbin/nologin berth
COPY --from=build /opt/berth /opt/berth
ENV PATH=/opt/berth/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BERTH_DATABASE_URL=sqlite:////var/lib/berth/berth.db \
    BERTH_KEY_FILE=/var/lib/berth/keys \
    BERTH_TOKEN_FILE=/var/lib/berth/token \
    BERTH_API_HOST=0.0.0.0 \
    BERTH_API_PORT=7431 \
    BERTH_METRICS_HOST=0.0.0.0 \
    BERTH_METRICS_PORT=7433
WORKDIR /var/lib/berth
USER berth
EXPOSE 7431 7433
# One of the two programs runs here: whichever it is, its own probe answers.
# A shell that asks by itself: a Python for each check would starve on a busy host, and one that reads
# HTTP_PROXY would ask the proxy. Minutes of silence make it unhealthy, not one slow answer.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=18 \
    CMD exec env -i bash -c 'ask() { exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET /readyz HTTP/1.0\r\n\r\n" >&3 && read -r _ s _ <&3 && [ "$s" = 200 ]; }; (ask "$0") 2>&- || (ask "$1") 2>&-' "$BERTH_API_PORT" "$BERTH_METRICS_PORT"
ENTRYPOINT ["python", "-m"]
CMD ["api"]
