# Conclave's nodes and gateway. There is no build step: Node runs TypeScript as it is.
FROM node:22-slim

WORKDIR /app

# The packages change less often than the code, so they are a layer of their own. The image has Node already, which is
# what the optional packages would bring.
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund && npm cache clean --force

COPY . .

# The user `node` of the image. Nothing is written into the image: everything durable is in NATS.
USER node

# Loopback would be the container's own. What the world can reach is what its ports are published to.
ENV HOST=0.0.0.0 PORT=8080 NODE_ENV=production
EXPOSE 8080

ENTRYPOINT ["node", "cli/main.ts"]
CMD ["--help"]
