import { Effect } from "effect"
import { Command } from "effect/cli"
import { operate, operatorFlags } from "./operate.ts"
import { table } from "./table.ts"

/** `conclave nodes`: who is alive. */
export const nodes = Command.make("nodes", operatorFlags, (given) =>
  operate(given, (operators) =>
    Effect.map(operators.nodes, (found) => ({
      text:
        found.length === 0
          ? "no node is alive"
          : table(
              ["NODE", "SHARDS"],
              found.map(({ name, shards }) => [name, shards])
            ),
      json: found
    }))
  )
).pipe(Command.withDescription("The nodes that are alive, and how many shards each holds"))
