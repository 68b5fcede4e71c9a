import type { HttpRequest } from "../uws.ts"

/** What the protocol of the WebSocket is called, for clients that name one. */
export const SUBPROTOCOL = "conclave.v1"

/** What the subprotocol that carries a token begins with: browsers can send no other header. */
export const TOKEN_SUBPROTOCOL = "bearer."

/** The token or key of a request: of its `Authorization` header, or of its subprotocols. */
export const credentialOf = (
  req: HttpRequest
): {
  readonly credential: string | undefined
  /** The subprotocol to answer with; empty where the client named none. */
  readonly protocol: string
} => {
  const offered = req.getHeader("sec-websocket-protocol")
  const protocols = offered === "" ? [] : offered.split(",").map((text) => text.trim())
  const carried = protocols.find((text) => text.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length)
  // A client that offers subprotocols hangs up unless it gets one of them; the token is not sent back.
  const protocol = protocols.includes(SUBPROTOCOL)
    ? SUBPROTOCOL
    : (protocols.find((text) => !text.startsWith(TOKEN_SUBPROTOCOL)) ?? "")
  return { credential: bearerOf(req.getHeader("authorization")) ?? carried, protocol }
}

const bearerOf = (header: string): string | undefined => /^Bearer +(\S+)$/i.exec(header)?.[1]
