# syntax=docker/dockerfile:1
FROM debian:12-slim AS terraform
ARG TERRAFORM_VERSION=1.11.4
ARG TERRAFORM_SHA256=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl unzip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /download
RUN curl -fsSL -o terraform.zip \
      "https://releases.hashicorp.com/terraform/${TERRAFORM_VERSION}/terraform_${TERRAFORM_VERSION}_linux_amd64.zip" \
 && echo "${TERRAFORM_SHA256}  terraform.zip" | sha256sum -c - \
 && unzip terraform.zip terraform

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/base.txt requirements/build.txt requirements/
RUN python -m venv /opt/gatewright \
 && /opt/gatewright/bin/python -m pip install --no-cache-dir --require-hashes \
      -r requirements/base.txt -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY handlers handlers
RUN /opt/gatewright/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin gatewright \
 && install -d -o gatewright -g gatewright -m 0700 /data
COPY --from=terraform /download/terraform /usr/local/bin/terraform
COPY --from=build /opt/gatewright /opt/gatewright
ENV PATH=/opt/gatewright/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GATEWRIGHT_DATA_DIR=/data \
    GATEWRIGHT_HOST=0.0.0.0 \
    GATEWRIGHT_PORT=8080
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# Bubblewrap needs user namespaces: see docs/install.md for the flags, or set GATEWRIGHT_SANDBOX=off.
ENTRYPOINT ["gatewright"]
CMD ["serve"]
