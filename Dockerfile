# The tracker as an image: non-root, for a read-only root, one volume at /data. See docs/deploying.md.
#
#   docker build -t fulfillment-tracker .

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# pip stays outside: the environment holds the program and what it needs to run.
RUN python -m venv --without-pip /opt/tracker
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY carriers carriers
COPY tracker tracker
RUN pip --python /opt/tracker/bin/python install --no-cache-dir --constraint requirements.lock .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="fulfillment-tracker" \
      org.opencontainers.image.description="Polls carriers' tracking APIs and keeps Order Protection's fulfillment statuses true." \
      org.opencontainers.image.licenses="MIT"
# Nothing is installed in a running container.
RUN pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin tracker \
 && install -d -o tracker -g tracker -m 0700 /data
COPY --from=build /opt/tracker /opt/tracker
COPY config.yaml /etc/tracker/config.yaml
ENV PATH=/opt/tracker/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TRACKER_CONFIG=/etc/tracker/config.yaml \
    TRACKER_DATABASE=/data/tracker.db \
    TRACKER_WEB__HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8470
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=2m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('TRACKER_WEB__PORT', 8470)}/healthz\", timeout=4)"]
ENTRYPOINT ["tracker"]
CMD ["run"]
