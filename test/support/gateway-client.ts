// Clients of the library, and a stand-in for a gateway.
import { Effect, Schema } from "effect"
import { WebSocketServer } from "ws"
import { type ClientOptions, GatewayClient } from "../../client/index.ts"

const addressOf = (port: number) => `ws://127.0.0.1:${port}/ws`

/** A client until the scope closes. */
export const open = (port: number, options: Partial<ClientOptions> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => new GatewayClient({ url: addressOf(port), backoffMillis: [5, 50], ...options })),
    (client) => Effect.sync(() => client.close())
  )

/** A gateway that says hello and `answers` what it hears, or hangs up. @returns its port, and how many connections it had */
export const stubGateway = (
  auth: "none" | "required",
  answers: (operation: Operation) => object | undefined,
  takesSubprotocols = true
) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: WebSocketServer; readonly port: number; readonly connections: () => number }>(
      (resume) => {
        let connections = 0
        const handleProtocols = ([first = ""]: Set<string>) => (takesSubprotocols ? first : false)
        const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols }, () => {
          const address = server.address()
          const port = address !== null && typeof address === "object" ? address.port : 0
          resume(Effect.succeed({ server, port, connections: () => connections }))
        })
        server.on("connection", (socket) => {
          connections++
          const send = (type: string, data: object) =>
            socket.send(JSON.stringify({ type, seq: null, subject: null, data }))
          send("welcome", { protocol: 1, auth })
          socket.on("message", (text) => {
            const operation = decodeOperation(String(text))
            const answer = answers(operation)
            if (answer === undefined) socket.close()
            else send("result", { id: operation.id, op: operation.op, ok: true, ...answer })
          })
        })
      }
    ),
    ({ server }) =>
      Effect.sync(() => {
        for (const socket of server.clients) socket.terminate()
        server.close()
      })
  )

const Operation = Schema.Struct({ op: Schema.String, id: Schema.String, token: Schema.optionalKey(Schema.String) })
export type Operation = typeof Operation.Type
const decodeOperation = Schema.decodeUnknownSync(Schema.fromJsonString(Operation))
