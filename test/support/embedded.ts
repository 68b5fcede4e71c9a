// A process that runs a nats-server on the folder it is given until somebody ends it. Started by tests of what is left then.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect } from "effect"
import { embeddedNats } from "../../server/nats-server.ts"

const dataDir = process.argv[2] ?? ""

NodeRuntime.runMain(
  Effect.scoped(
    Effect.gen(function* () {
      yield* embeddedNats({ dataDir })
      writeFileSync(join(dataDir, "ready"), "")
      return yield* Effect.never
    })
  )
)
