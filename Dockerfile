# The image of `idp`: numeric user, read-only root, nothing written but /var/lib/signet. docs/how-to/docker.md
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# The environment has no pip of its own: one beside it installs into it.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/signet
COPY deploy/requirements.txt deploy/requirements-build.txt deploy/
RUN /opt/build/bin/pip install --require-hashes --only-binary :all: -r deploy/requirements-build.txt \
 && /opt/build/bin/pip --python /opt/signet/bin/python install --no-compile --require-hashes --only-binary :all: -r deploy/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY idp idp
COPY demo_clients demo_clients
# One instant for all files of the wheel, and byte code that asks for no file's time: the same tree gives the same files.
RUN SOURCE_DATE_EPOCH=1700000000 /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/build/bin/pip --python /opt/signet/bin/python install --no-compile --no-index --no-deps dist/*.whl \
 && /opt/build/bin/pip --python /opt/signet/bin/python check \
 && /opt/signet/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/signet/lib

FROM ${PYTHON}
LABEL org.opencontainers.image.title="Signet" org.opencontainers.image.licenses="Apache-2.0"
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/signet
COPY --from=build /opt/signet /opt/signet
# A name server that is silent is given up after 3 s, not 10: no timeout of the database's client counts while it looks up.
# What is mounted as /run/secrets/idp_database_url or idp_key_encryption_key is read as a credential of that name.
ENV PATH=/opt/signet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    RES_OPTIONS="timeout:1 attempts:3" \
    CREDENTIALS_DIRECTORY=/run/secrets \
    IDP_HOME=/var/lib/signet \
    IDP_KEY_ENCRYPTION_KEY_FILE=/var/lib/signet/keys/key-encryption.key \
    IDP_HOST=0.0.0.0 \
    IDP_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/signet
VOLUME /var/lib/signet
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["idp", "healthcheck"]
ENTRYPOINT ["idp"]
CMD ["serve"]
