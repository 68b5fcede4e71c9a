/** Where NATS servers are, and as whom to connect. */
export interface ServerAddress {
  /** `host:port` of each. */
  readonly servers: ReadonlyArray<string>
  readonly tls: boolean
  readonly user: string | undefined
  readonly pass: string | undefined
}

/**
 * Takes apart `nats://user:password@host:port`, or several with commas between them; user and password of the first
 * count for all. The client library knows neither form.
 */
export const parseServers = (text: string): ServerAddress => {
  const urls = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => new URL(part.includes("://") ? part : `nats://${part}`))
  const [first] = urls
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || "4222"}`),
    tls: urls.some((url) => url.protocol === "tls:"),
    user: first === undefined || first.username === "" ? undefined : decodeURIComponent(first.username),
    pass: first === undefined || first.password === "" ? undefined : decodeURIComponent(first.password)
  }
}

/** The address as it may be shown: without user and password. */
export const showServers = (text: string): string =>
  parseServers(text)
    .servers.map((server) => `nats://${server}`)
    .join(", ")
