FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/scoro-intacct
ENV PATH=/opt/scoro-intacct/bin:$PATH
COPY requirements.txt requirements-dev.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt
# the pinned build backend, outside the environment that is shipped
RUN /usr/local/bin/pip install --no-cache-dir --require-hashes --requirement requirements-dev.txt
COPY . .
RUN /usr/local/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/scoro-intacct scoro-intacct
COPY --from=build /opt/scoro-intacct /opt/scoro-intacct
ENV PATH=/opt/scoro-intacct/bin:$PATH \
    DATA_DIR=/var/lib/scoro-intacct \
    HTTP_BIND=0.0.0.0:8080 \
    LOG_FORMAT=json \
    PYTHONUNBUFFERED=1
USER scoro-intacct
WORKDIR /var/lib/scoro-intacct
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["scoro-intacct"]
CMD ["serve"]
