import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import { NatsServer } from "./nats.ts"

const Letter = Schema.fromJsonString(
  Schema.Struct({
    sequence: Schema.Int,
    message: Schema.String,
    failure: Schema.String,
    cause: Schema.String,
    attempts: Schema.Int,
    original: Schema.Unknown
  })
)

/** The dead letters of a namespace as they lie in the stream, oldest first. */
export const lettersIn = (namespace: string) =>
  Effect.flatMap(NatsServer, ({ url }) =>
    Effect.promise(async () => {
      const connection = await connect({ servers: url })
      const { direct } = await jetstreamManager(connection)
      const found: Array<typeof Letter.Type> = []
      const query = { seq: 1, next_by_subj: `${namespace}.dead.>`, batch: 1_000 }
      try {
        for await (const message of await direct.getBatch(namespace.toUpperCase(), query)) {
          found.push(Schema.decodeUnknownSync(Letter)(message.string()))
        }
      } catch (cause) {
        if (!(cause instanceof Error && cause.message.includes("not found"))) throw cause
      }
      await connection.close()
      return found
    })
  )
