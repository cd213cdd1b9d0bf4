# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches keep downloaded crates and compiled dependencies between builds; what must
# outlive the step is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin souk \
    && install -D target/release/souk /out/souk

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/souk --shell /usr/sbin/nologin souk \
    && install -d -o souk -g souk /var/lib/souk /var/lib/souk/data
COPY --from=build /out/souk /usr/local/bin/souk

USER souk
# The embedded database, when one is used, lives in ./data.
WORKDIR /var/lib/souk
VOLUME /var/lib/souk/data
ENV HOST=0.0.0.0 PORT=4000
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["souk", "health"]
ENTRYPOINT ["souk"]
CMD ["serve"]
