# The base is pinned by the digest of its index, which is for x86-64 and arm64: a tag can be moved. The digest is that of 6 October
# 2026; take a newer one with each of Node's releases and of Debian's security updates (docker buildx imagetools inspect).
#
# One image for every service: `docker run ... serve records`. TypeScript runs as it is, by type stripping: what is
# installed and copied is what runs, and no compiler or test is in it. The pages of patients and developers and the documentation are built in a stage of their own.

FROM node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20 AS install
WORKDIR /app
# npm wants every workspace that the lockfile names, also those of which nothing is installed.
COPY package.json package-lock.json ./
COPY demo/package.json demo/package.json
COPY test/package.json test/package.json
COPY bench/package.json bench/package.json
COPY gen gen
COPY packages packages
COPY services services
COPY web web
COPY host host
COPY sdk sdk
COPY cli cli
# By the lockfile, of what the command needs only; no package's script runs. The optional packages are Node itself.
RUN npm ci --workspace=@wellapi/cli --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM install AS pages
# The bundler, and what goes into the pages: optional packages of theirs, which nothing that runs has.
RUN npm ci --workspace=@wellapi/patient-web --workspace=@wellapi/developers-web --workspace=@wellapi/docs-web --omit=dev --ignore-scripts --no-audit --no-fund
# What the bundler reads of how TypeScript is written, and the texts of the documentation.
COPY tsconfig.json ./
COPY docs docs
RUN node web/patient/build.ts && node web/developers/build.ts && node web/docs/build.ts

FROM node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
LABEL org.opencontainers.image.title="wellapi" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
# As the Makefile says why.
ENV NODE_OPTIONS=--max-semi-space-size=16 MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=install /app/node_modules node_modules
COPY package.json LICENSE ./
COPY gen gen
COPY packages packages
COPY services services
COPY web web
COPY --from=pages /app/web/patient/dist web/patient/dist
COPY --from=pages /app/web/developers/dist web/developers/dist
COPY --from=pages /app/web/docs/dist web/docs/dist
COPY host host
COPY sdk sdk
COPY cli cli
# The image's user `node`, by number, so that Kubernetes can see that it is not root. Nothing below /app is theirs to
# write: the root filesystem can be read-only, with a volume where WELLAPI_DATA_DIR points.
USER 1000:1000
# Where `start` keeps the master key: mount a volume there, apart from the data's. Without one it does not start, rather than
# keep the key in a container that goes away.
ENV XDG_CONFIG_HOME=/config
EXPOSE 9443 7443 7080 8081
# Signals reach the program itself: no shell, no npm in between.
ENTRYPOINT ["node", "cli/src/main.ts"]
CMD ["--help"]
