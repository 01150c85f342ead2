# `docker build -t chela .` needs nothing but this folder: it builds the executable and puts it into an image that holds
# the executable, the libraries it is linked with, certificates and a user. There is no shell in it.
#
#   docker run -p 127.0.0.1:18789:18789 -v chela:/data chela
#
# The first start makes a token, stores it in /data and prints it once. Set OPENCLAW_GATEWAY_TOKEN to use one of your own.

FROM scratch AS base
ENV HOME=/data
USER 65532:65532
EXPOSE 18789
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/chela", "gateway", "health", "--live"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/chela"]
# Beyond loopback, because inside a container nobody else is there: what reaches it is for `docker run -p` to say.
CMD ["gateway", "run", "--bind", "lan"]

# For machines that cannot pull images: `bun run gate container` lays out the root itself and builds this stage alone.
FROM base AS prepared
COPY out/rootfs/ /
VOLUME /data

FROM node:22-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && node scripts/with-bun.mjs scripts/container/rootfs.ts dist/chela /rootfs

FROM base
COPY --from=build /rootfs/ /
VOLUME /data
