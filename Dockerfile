# Three images: `docker build --target gateway .`, and likewise `worker` and `flower`.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# Without pip, so that nothing can be installed with what is copied from here.
RUN python -m venv --without-pip /opt/speechbridge
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY config config
COPY bridge bridge
COPY gateway gateway

FROM build AS build-gateway
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/speechbridge/bin/python install "/src[gateway,tracing]"

FROM build AS build-worker
# The engines, as extras of pyproject.toml; `gpu` shows a card in the metrics, where there is one.
ARG EXTRAS=pocketsphinx,espeak,gpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/speechbridge/bin/python install "/src[tracing,${EXTRAS}]"

FROM build AS build-flower
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/speechbridge/bin/python install "/src[monitoring]"

FROM python:3.11-slim-bookworm AS base
# tini hands SIGTERM on, which the kernel keeps from a process 1 that is not yet ready for it, and reaps
# the helpers of an engine. Versions are Debian's: bookworm gets security fixes only.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin speechbridge
ENV PATH=/opt/speechbridge/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
ENTRYPOINT ["tini", "--", "speechbridge"]

FROM base AS gateway
COPY --from=build-gateway /opt/speechbridge /opt/speechbridge
COPY config config
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["speechbridge", "alive", "gateway"]
CMD ["gateway"]

FROM base AS flower
COPY --from=build-flower /opt/speechbridge /opt/speechbridge
COPY config config
USER 10001
EXPOSE 5555
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["speechbridge", "alive", "flower"]
CMD ["flower"]

FROM base AS worker
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends apertium apertium-eng-spa apertium-eng-cat \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build-worker /opt/speechbridge /opt/speechbridge
COPY config config
USER 10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["speechbridge", "alive", "worker"]
CMD ["worker", "--help"]
