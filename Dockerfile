# The image of fraudd: built and linked on the same Debian that it runs on.
#   docker build -t fraudd .                                   Debian 12
#   docker build -t fraudd --build-arg BASE=debian:13-slim .   Debian 13
# The root file system may be read-only; the archive of rule sets (/var/lib/fraudd) is what it writes.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
WORKDIR /src
COPY integration/install-deps.sh integration/
RUN integration/install-deps.sh --build
COPY . .
RUN cmake --preset release -DFD_TESTS=OFF && cmake --build --preset release --target fraudd
# The packages that own the libraries which the program names; their names differ between releases.
RUN strip --strip-debug -o /fraudd build/release/fraudd \
 && readelf -d /fraudd | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' \
  | while read -r library; do dpkg-query -S "*/$(gcc -print-multiarch)/$library" || exit 1; done \
  | cut -d: -f1 | sort -u > /runtime-packages

FROM ${BASE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudd" \
      org.opencontainers.image.description="Real-time fraud decisions on Kafka" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /runtime-packages /tmp/
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends ca-certificates < /tmp/runtime-packages \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /tmp/runtime-packages \
 && mkdir -p /etc/fraudd /var/lib/fraudd && chown 10001:10001 /var/lib/fraudd
COPY --from=build /fraudd /usr/bin/fraudd
COPY rules/packs /usr/share/fraudd/rules
COPY schemas/*.avsc /usr/share/fraudd/schemas/
USER 10001:10001
WORKDIR /var/lib/fraudd
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/fraudd"]
CMD ["run", "--config", "/etc/fraudd/fraudd.yaml"]
