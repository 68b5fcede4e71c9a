// `npm run soak -- --minutes 5`: whether a gateway's memory stays flat while its clients come and go.
import { parseArgs } from "node:util"
import { Console, Effect } from "effect"
import { natsServer } from "./nats.ts"
import { soak } from "./soak.ts"

const GROWTH_MAX = 1.1

const { values } = parseArgs({ options: { minutes: { type: "string", default: "5" } } })

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { url } = yield* natsServer()
      const seconds = Number(values.minutes) * 60
      const found = yield* soak({
        natsUrl: url,
        seconds,
        eventsPerSecond: 200,
        clients: 200,
        sampleSeconds: Math.max(1, Math.min(10, seconds / 15)),
        see: ({ seconds: at, rssMebibytes, heapMebibytes }) =>
          console.log(`${at} s: ${rssMebibytes} MiB, of which the heap has ${heapMebibytes}`)
      })
      yield* Console.log({ ...found, samples: found.samples.length })
      const most = Math.max(found.growth.rss, found.growth.heap)
      if (!(most <= GROWTH_MAX)) {
        yield* Console.error(`memory grew to ${most.toFixed(2)} times, at most ${GROWTH_MAX} is flat`)
        process.exitCode = 1
      }
    })
  )
)
