import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { findBinary } from "../../server/nats-server.ts"
import { natsServer, temporaryFolder } from "../support/nats.ts"

/** A nats-server that first does something else for some seconds, as one does that reads what is stored. */
const slowServer = (before: string) =>
  Effect.gen(function* () {
    const { binary } = yield* findBinary(process.env.NATS_SERVER)
    const path = join(yield* temporaryFolder, "nats-server")
    writeFileSync(path, `#!/bin/bash\n[[ "$*" == *-c* ]] && { ${before}; }\nexec ${JSON.stringify(binary)} "$@"\n`)
    chmodSync(path, 0o755)
    return path
  })

const BUSY = "SECONDS=0; while (( SECONDS < 6 )); do :; done"

describe("a nats-server that is not ready at once", () => {
  it.live("is waited for as long as it is at work", () =>
    Effect.gen(function* () {
      const server = yield* natsServer({ binary: yield* slowServer(BUSY), patience: "3 seconds" })
      assert.match(server.url, /^nats:/)
    }).pipe(Effect.scoped)
  )

  it.live("is given up where it does nothing, with a sentence that says so", () =>
    Effect.gen(function* () {
      const binary = yield* slowServer("exec sleep 20")
      const error = yield* Effect.flip(natsServer({ binary, patience: "1 second" }))
      assert.match(error.message, /nats-server did not start: it is not ready, and did nothing for 1 second/)
    }).pipe(Effect.scoped)
  )
})
