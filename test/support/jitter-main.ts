// `npm run jitter`: 1,000 clients, each dropped every ten seconds or so, for a minute, 200 events a second.
import { Console, Effect } from "effect"
import { jitter } from "./jitter.ts"
import { natsServer } from "./nats.ts"

const numberAt = (place: number, otherwise: number) => Number(process.argv[place] ?? otherwise)

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const { url } = yield* natsServer()
      const options = { clients: numberAt(2, 1_000), seconds: numberAt(3, 60), eventsPerSecond: numberAt(4, 200) }
      yield* Console.log(options)
      const found = yield* jitter({ natsUrl: url, namespace: "jitter", dropEveryMillis: 10_000, ...options })
      yield* Console.log({ ...found, gaps: found.gaps.length, wrong: found.wrong.slice(0, 10) })
      if (found.wrong.length > 0) process.exitCode = 1
    })
  )
)
