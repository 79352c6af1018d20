# One image for all services: each container runs another command of it (docker-compose.yml).

# The full image has the toolchain with which better-sqlite3 is compiled where there is no ready-made binary.
FROM node:20-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Of all install scripts only the one that is needed runs; the project's own needs the sources, which come later.
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY wsdl wsdl
# Where volumes are mounted: a new volume takes the owner of the directory it is mounted on.
RUN mkdir -p /authority /config /data \
      /parts/replica1 /parts/replica2 /parts/replica3 /parts/replica4 /parts/airline /parts/hotel /parts/agency \
  && chown -R node:node /authority /config /data /parts
USER node
CMD ["node", "dist/cli/main.js", "--help"]
