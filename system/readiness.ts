// When a system can work, and how long what it is asked may take.
import { Effect } from "effect"
import { defaultLimits, NotReady } from "../gateway/index.ts"
import { ClientLog } from "../runtime/index.ts"
import type { Server } from "../server/index.ts"

/** Whether the log answers, is the one that it was, and stores; where the disk of a server of ours is full it says so. */
export const logReady = (server: Server) =>
  Effect.map(ClientLog, (log) =>
    Effect.suspend(() => {
      const failed = server.storage?.failed
      if (failed !== undefined) return Effect.fail(new NotReady({ detail: failed }))
      return log.check.pipe(Effect.mapError(({ message, detail }) => new NotReady({ detail: detail || message })))
    })
  )

/** How long an analysis is waited for, in milliseconds: for those before it, and its round for its votes. */
export const analysisMillisOf = (roundMillis: number): number => Math.max(defaultLimits.analysisMillis, 2 * roundMillis)
