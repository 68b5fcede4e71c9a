import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import type { LiveNode } from "../../runtime/index.ts"
import { table } from "../table.ts"
import { operate, operatorFlags } from "./operate.ts"

const show = (nodes: ReadonlyArray<LiveNode>, now: number): string =>
  table(
    ["NODE", "SHARDS", "ACTORS", "OPEN", "UP FOR", "LABELS", "LEFT TO NEWER"],
    nodes.map(({ name, shards, residents, open, since, labels, declines }) => [
      name,
      shards,
      residents,
      open,
      `${Math.max(0, Math.round((now - since) / 1_000))} s`,
      labels.join(",") || "-",
      declines.length
    ])
  )

/** `conclave nodes`: who is alive. */
export const nodes = Command.make("nodes", operatorFlags, (given) =>
  operate(given, (operators) =>
    Effect.gen(function* () {
      const found = yield* operators.nodes
      const text = found.length === 0 ? "no node is alive" : show(found, yield* Clock.currentTimeMillis)
      return { text, json: found }
    })
  )
).pipe(Command.withDescription("The nodes that are alive, and what each holds and does"))
