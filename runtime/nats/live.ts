import type { Effect, Scope } from "effect"
import type { ReadError } from "../errors.ts"
import type { PublishedEvent } from "../log.ts"
import type { Nats } from "./connection.ts"
import { subscribe } from "./messaging.ts"
import type { Subjects } from "./subjects.ts"

/** Calls `see` for each event under a pattern that the server republishes from now on, until the scope closes. */
export const watchLive = (
  nats: Nats["Service"],
  subjects: Subjects,
  pattern: string,
  see: (event: PublishedEvent) => void
): Effect.Effect<void, ReadError, Scope.Scope> =>
  subscribe(nats, subjects.live(pattern), (message) =>
    see({
      subject: subjects.parseLive(message.subject),
      sequence: Number(message.headers?.get("Nats-Sequence")),
      payload: message.string()
    })
  )
